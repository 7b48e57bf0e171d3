//! Replaces the weights of a graph: by external data, by inputs, by other weights.

use crate::graph::{Attribute, Graph, ValueId};
use crate::tensor::{DType, Tensor};

/// The most elements of a constant that is a parameter of an operator. Larger ones are weights.
pub(crate) const LARGEST_PARAMETER: usize = 4096;

impl Graph {
    /// Takes the weights out of the graph: the name and the content of each. From now on, the graph
    /// refers to them as external data of these names. It no longer knows their content, nor shares
    /// the memory that the model was read into.
    pub fn take_weights(&mut self) -> Vec<(String, Tensor)> {
        let mut taken = Vec::new();
        for (i, value) in self.values.iter_mut().enumerate() {
            let Some(tensor) = &value.initializer else { continue };
            let count: usize = tensor.shape().iter().product();
            if count <= LARGEST_PARAMETER || tensor.dtype() != DType::F32 {
                value.initializer = Some(tensor.unshared());
                continue;
            }
            let name = format!("weight{i}.data");
            let external = tensor.as_external(&name);
            if let Some(weight) = value.initializer.replace(external) {
                taken.push((name, weight));
            }
        }
        for (_, attribute) in self.nodes.iter_mut().flat_map(|n| &mut n.attributes) {
            if let Attribute::Tensor(tensor) = attribute {
                *tensor = tensor.unshared();
            }
        }
        taken
    }

    /// The weights that are matrices or kernels: floats with at least two axes that are longer than
    /// 1. Those of the last layers come first.
    pub fn weight_matrices_from_last(&self) -> Vec<ValueId> {
        let is_matrix = |value: &ValueId| {
            let tensor = self.content(*value).filter(|t| t.dtype() == DType::F32);
            tensor.is_some_and(|t| t.shape().iter().filter(|d| **d > 1).count() >= 2)
        };
        let mut found = Vec::new();
        for node in self.nodes.iter().rev() {
            for input in node.inputs.iter().flatten().filter(|v| is_matrix(v)) {
                if !found.contains(input) {
                    found.push(*input);
                }
            }
        }
        found
    }

    /// Replaces the content of a constant.
    ///
    /// # Panics
    /// If the value is not a constant, or if the new content has another shape or type.
    pub fn replace_constant(&mut self, constant: ValueId, content: Tensor) {
        let value = &mut self.values[constant.0];
        let alike = |t: &Tensor| t.shape() == content.shape() && t.dtype() == content.dtype();
        assert!(
            value.initializer.as_ref().is_some_and(alike),
            "'{}' is not a constant of this shape and type",
            value.name
        );
        value.initializer = Some(content);
    }

    /// The weights that were [taken](Self::take_weights) and that the outputs depend on: the name
    /// of each constant, and that of its external data.
    pub fn external_weights(&self) -> impl Iterator<Item = (&str, &str)> {
        let needed = self.ancestors(&self.outputs);
        let needed = self.values().filter(move |(id, _)| needed[id.0]);
        needed
            .filter_map(|(_, v)| Some((v.name.as_str(), v.initializer.as_ref()?.external_name()?)))
    }

    /// Turns weights that were [taken](Self::take_weights) into inputs, whose content is given with
    /// each run.
    pub fn weights_to_inputs(&mut self, weights: &[ValueId]) {
        for weight in weights {
            let value = &mut self.values[weight.0];
            if let Some(tensor) = value.initializer.take() {
                value.shape = Some(tensor.shape().to_vec());
                value.dtype = Some(tensor.dtype());
                self.inputs.push(*weight);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::testing::run;
    use crate::{DType, Graph, Tape, Tensor};

    #[test]
    fn weight_matrices_are_found_and_replaced() {
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
        assert_eq!(graph.weight_matrices_from_last(), [high, low]);
        graph.replace_constant(high, Tensor::from_f32s(&[2, 2], &[0.0; 4]).unwrap());
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
        assert_eq!(graph.content(large).unwrap().external_name(), Some(name.as_str()));
        assert_eq!(graph.content(large).unwrap().to_f32s(), None);
        assert_eq!(graph.content(small).unwrap().to_f32s().unwrap(), [0.0; 2]);
        drop(weight);
        assert!(shared.is_unique(), "the file's memory is no longer shared");

        let tape = Tape::new(graph);
        let sums = [tape.var(x) + tape.var(large), tape.var(x).relu()].map(|v| v.id());
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&sums[..1]);
        assert_eq!(graph.external_weights().collect::<Vec<_>>(), [("large", name.as_str())]);
        graph.set_outputs(&sums[1..]);
        assert_eq!(graph.external_weights().count(), 0);

        graph.set_outputs(&sums[..1]);
        graph.weights_to_inputs(&[large]);
        assert_eq!(graph.external_weights().count(), 0);
        let ones = Tensor::from_f32s(&[5000], &[1.0; 5000]).unwrap();
        let sum = run(&graph, &[(x, &ones), (large, &ones)]).remove(0);
        assert_eq!(sum.to_f32s().unwrap(), [2.0; 5000]);
    }
}
