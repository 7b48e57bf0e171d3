//! Parts a graph from its weights, and from what comes before a value.

use crate::graph::{Attribute, Graph, ValueId};
use crate::tensor::{DType, Tensor};

/// Constants of more elements than this are weights; others may be parameters of an operator.
pub(crate) const LARGEST_PARAMETER: usize = 4096;

impl Graph {
    /// Takes the weights out of the graph, each with the name under which the graph refers to it
    /// from now on: as ONNX's external data in a file of that name. Their content is no longer
    /// known to the graph, nor is the memory shared that it was read into.
    pub fn take_weights(&mut self) -> Vec<(String, Tensor)> {
        let mut taken = Vec::new();
        for (i, value) in self.values.iter_mut().enumerate() {
            let Some(tensor) = &value.initializer else { continue };
            let count: usize = tensor.shape().iter().product();
            if count <= LARGEST_PARAMETER || tensor.dtype() != DType::F32 {
                value.initializer = Some(tensor.detached());
                continue;
            }
            let name = format!("weight{i}.data");
            let elsewhere = tensor.elsewhere(&name);
            if let Some(weight) = value.initializer.replace(elsewhere) {
                taken.push((name, weight));
            }
        }
        for (_, attribute) in self.nodes.iter_mut().flat_map(|n| &mut n.attributes) {
            if let Attribute::Tensor(tensor) = attribute {
                *tensor = tensor.detached();
            }
        }
        taken
    }

    /// The constants that a network has learnt as matrices and kernels: floats with two axes or more that
    /// are longer than 1. Those that are used last come first.
    pub fn matrices_from_the_top(&self) -> Vec<ValueId> {
        let matrix = |value: &ValueId| {
            let tensor = self.content(*value).filter(|t| t.dtype() == DType::F32);
            tensor.is_some_and(|t| t.shape().iter().filter(|d| **d > 1).count() >= 2)
        };
        let mut found = Vec::new();
        for node in self.nodes.iter().rev() {
            for input in node.inputs.iter().flatten().filter(|v| matrix(v)) {
                if !found.contains(input) {
                    found.push(*input);
                }
            }
        }
        found
    }

    /// Gives a constant another content, of the same shape and type.
    ///
    /// # Panics
    /// If it is no constant, or shape or type differ.
    pub fn replace_content(&mut self, constant: ValueId, content: Tensor) {
        let value = &mut self.values[constant.0];
        let alike = |t: &Tensor| t.shape() == content.shape() && t.dtype() == content.dtype();
        assert!(value.initializer.as_ref().is_some_and(alike), "another constant");
        value.initializer = Some(content);
    }

    /// The weights taken that the outputs need: the constant's own name, and that under which it
    /// was taken.
    pub fn weights_needed(&self) -> impl Iterator<Item = (&str, &str)> {
        let needed = self.ancestors(&self.outputs);
        let needed = self.values().filter(move |(id, _)| needed[id.0]);
        needed.filter_map(|(_, v)| Some((v.name.as_str(), v.initializer.as_ref()?.kept_as()?)))
    }

    /// Makes inputs of weights that were taken: they are given with each run from now on.
    pub fn feed_weights(&mut self, weights: &[ValueId]) {
        for weight in weights {
            let value = &mut self.values[weight.0];
            if let Some(tensor) = value.initializer.take() {
                value.shape = Some(tensor.shape().to_vec());
                value.dtype = Some(tensor.dtype());
                self.inputs.push(*weight);
            }
        }
    }

    /// Makes an input of a computed value (of floats), so that what comes before it is left out, but for what
    /// is known of its shapes. Inputs that the outputs do not need any more are dropped.
    ///
    /// All shapes must have been learnt. If the value is an input, nothing changes.
    pub fn begin_at(&mut self, value: ValueId) {
        if self.inputs.contains(&value) {
            return;
        }
        for node in &mut self.nodes {
            for output in &mut node.outputs {
                let Some(id) = *output else { continue };
                let of_shape = matches!(node.op.as_str(), "Shape" | "Size");
                let known = self.values[id.0].known.take_if(|_| of_shape);
                if id == value || known.is_some() {
                    self.values[id.0].initializer = known;
                    self.values[id.0].producer = None;
                    *output = None;
                }
            }
        }
        self.values[value.0].dtype = Some(DType::F32);
        self.inputs.push(value);
        self.drop_idle_inputs();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::testing::run;
    use crate::{DType, Graph, Tape, Tensor};

    #[test]
    fn a_graph_goes_on_from_a_value() {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[2, 3]);
        let a = x.relu();
        let size = [DType::I64; 1].map(|t| tape.op("Shape", &[Some(x)], &[], t, vec![2]));
        let y = tape.op("Reshape", &[Some(a.exp()), Some(size[0])], &[], DType::F32, vec![2, 3]);
        let (a, size, y) = (a.id(), size[0].id(), y.id());
        let mut graph = tape.into_graph().unwrap();
        graph.values[size.0].known = Some(Tensor::from_i64s(&[2, 3]));
        graph.set_outputs(&[y]);
        graph.begin_at(a);
        assert_eq!(graph.inputs(), [a]);
        let at = Tensor::from_f32s(&[2, 3], &[0.0; 6]).unwrap();
        assert_eq!(run(&graph, &[(a, &at)])[0].to_f32s().unwrap(), [1.0; 6]);
    }

    #[test]
    fn matrices_are_found_from_the_top_and_replaced() {
        let mut graph = Graph::new();
        let x = graph.add_input("x", &[2, 2]);
        let constant = |graph: &mut Graph, name: &str, shape: &[usize]| {
            let ones = vec![1.0; shape.iter().product()];
            graph.add_initializer(name, Tensor::from_f32s(shape, &ones).unwrap())
        };
        let [low, high] = ["low", "high"].map(|name| constant(&mut graph, name, &[2, 2]));
        let bias = constant(&mut graph, "bias", &[2, 1]);
        let tape = Tape::new(graph);
        let [x, a, b, c] = [x, low, high, bias].map(|v| tape.var(v));
        let y = (((x * a) + c) * b).id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[y]);
        assert_eq!(graph.matrices_from_the_top(), [high, low]);
        graph.replace_content(high, Tensor::from_f32s(&[2, 2], &[0.0; 4]).unwrap());
        assert_eq!(graph.content(high).unwrap().to_f32s().unwrap(), [0.0; 4]);
    }

    #[test]
    fn weights_are_taken_and_parameters_stay() {
        let mut graph = Graph::new();
        let x = graph.add_input("x", &[5000]);
        let shared = Bytes::from(vec![0u8; 4 * 5000 + 8]);
        let tensor = |count: usize, at| {
            let bytes = shared.slice(at..at + 4 * count);
            Tensor::from_bytes(DType::F32, vec![count], bytes).unwrap()
        };
        let large = graph.add_initializer("large", tensor(5000, 0));
        let small = graph.add_initializer("small", tensor(2, 4 * 5000));
        let taken = graph.take_weights();
        assert_eq!(taken.len(), 1);
        let (name, weight) = taken.into_iter().next().unwrap();
        assert_eq!(weight.shape(), [5000]);
        assert_eq!(graph.content(large).unwrap().kept_as(), Some(name.as_str()));
        assert_eq!(graph.content(large).unwrap().to_f32s(), None);
        assert_eq!(graph.content(small).unwrap().to_f32s().unwrap(), [0.0; 2]);
        drop(weight);
        assert!(shared.is_unique(), "small constants keep the file in memory");

        let tape = Tape::new(graph);
        let sums = [tape.var(x) + tape.var(large), tape.var(x).relu()].map(|v| v.id());
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&sums[..1]);
        assert_eq!(graph.weights_needed().collect::<Vec<_>>(), [("large", name.as_str())]);
        graph.set_outputs(&sums[1..]);
        assert_eq!(graph.weights_needed().count(), 0);

        graph.set_outputs(&sums[..1]);
        graph.feed_weights(&[large]);
        assert_eq!(graph.weights_needed().count(), 0);
        let ones = Tensor::from_f32s(&[5000], &[1.0; 5000]).unwrap();
        let sum = run(&graph, &[(x, &ones), (large, &ones)]).remove(0);
        assert_eq!(sum.to_f32s().unwrap(), [2.0; 5000]);
    }
}
