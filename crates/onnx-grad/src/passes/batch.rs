//! Makes a graph for any batch size out of two instances of it, for batches of two and of three.
//!
//! Whatever depends on the batch size B, dimensions and elements of shape vectors, is a linear
//! function a + b B of it. The two instances determine a and b.

use crate::error::{Error, Result};
use crate::graph::{Attribute, Dim, Graph, Node, Value, ValueId};
use crate::tensor::{DType, Tensor};

/// A linear function of the batch size B: base + slope B.
#[derive(Clone, Copy)]
struct Affine {
    base: i64,
    slope: i64,
}

impl Affine {
    /// The function with these values at B = 2 and B = 3.
    fn through(two: i64, three: i64) -> Affine {
        let slope = three - two;
        Affine { base: two - 2 * slope, slope }
    }

    fn at(self, batch: usize) -> i64 {
        self.base + self.slope * batch as i64
    }
}

impl Graph {
    /// The graph for this batch size, from a graph whose shapes are known for batches of `two` and
    /// of `three`; `None` if they are not linear functions of the batch size.
    pub fn with_batch_size(two: &Graph, three: &Graph, batch: usize) -> Option<Graph> {
        let mut graph = two.clone();
        if two.values.len() != three.values.len() || two.nodes.len() != three.nodes.len() {
            return None;
        }
        for (value, other) in graph.values.iter_mut().zip(&three.values) {
            value.shape = match (&value.shape, &other.shape) {
                (Some(two), Some(three)) => Some(shape_at(two, three, batch)?),
                (None, None) => None,
                _ => return None,
            };
            // Content that depends on the batch size is known only if it is of integers.
            value.folded = match (value.folded.take(), &other.folded) {
                (Some(two), Some(three)) if two == *three => Some(two),
                (Some(two), Some(three)) => affine(&two, three).and_then(|entries| {
                    let at: Vec<i64> = entries.into_iter().map(|a| a.at(batch)).collect();
                    reshaped(Tensor::from_i64s(&at), two.shape())
                }),
                _ => None,
            };
        }
        let varies = |(id, v): (ValueId, &Value)| {
            (v.example && two.shape(id) != three.shape(id)).then_some(id)
        };
        for id in two.values().filter_map(varies) {
            if !graph.repeat_example(id, batch) {
                return None;
            }
        }
        for input in graph.inputs.clone() {
            if let Some(shape) = graph.values[input.0].shape.clone() {
                graph.fix_input(input, &shape);
            }
        }
        Some(graph)
    }

    /// The graph for any batch size, from the graph for a batch of `two` and that for a batch of
    /// `three`. The batch size is the size of the first axis of `input`. In the shapes of inputs
    /// and outputs it has this name.
    ///
    /// # Errors
    /// If the two graphs differ in more than the batch size.
    pub fn with_any_batch_size(
        two: &Graph,
        three: &Graph,
        input: ValueId,
        name: &str,
    ) -> Result<Graph> {
        let mut graph = two.clone();
        let unlike = |what: &str| {
            Error::invalid(format!("the graph is not the same for all batch sizes: {what}"))
        };
        let same = |(a, b): (&Node, &Node)| {
            a.op == b.op
                && a.inputs == b.inputs
                && a.outputs == b.outputs
                && a.attributes == b.attributes
        };
        if two.values.len() != three.values.len()
            || two.nodes.len() != three.nodes.len()
            || !two.nodes.iter().zip(&three.nodes).all(same)
        {
            return Err(unlike("its nodes differ"));
        }
        let differs = |value: &Value| unlike(&format!("the constant '{}' differs", value.name));
        let needed = two.ancestors(&two.outputs);
        let mut varying = Vec::new();
        for (id, value) in two.values().filter(|(id, v)| needed[id.0] && !v.example) {
            let other = three.value(id);
            match (&value.initializer, &other.initializer) {
                (Some(a), Some(b)) if a != b => {
                    let affine = affine(a, b).ok_or_else(|| differs(value))?;
                    varying.push((id, affine));
                }
                (Some(_), Some(_)) | (None, None) => {}
                _ => return Err(differs(value)),
            }
        }
        graph.compute_constants(varying, input)?;
        let examples = two.values().filter(|(_, v)| v.example).map(|(id, _)| id);
        let ends = graph.inputs.iter().chain(&graph.outputs).copied();
        for id in ends.chain(examples).collect::<Vec<_>>() {
            let (Some(a), Some(b)) = (two.shape(id), three.shape(id)) else { continue };
            let dim = |(a, b): (&usize, &usize)| match (*a, *b) {
                (a, b) if a == b => Dim::Fixed(a),
                (2, 3) => Dim::Dynamic(name.to_owned()),
                _ => Dim::Dynamic(String::new()),
            };
            let declared = a.iter().zip(b).map(dim).collect();
            graph.values[id.0].declared = Some(declared);
            graph.values[id.0].shape = None;
        }
        Ok(graph)
    }

    /// Replaces constants that depend on the batch size by nodes that compute them.
    fn compute_constants(
        &mut self,
        constants: Vec<(ValueId, Vec<Affine>)>,
        input: ValueId,
    ) -> Result<()> {
        let mut batch = None;
        for (id, affine) in constants {
            let mut varying = affine.iter().filter(|a| a.slope != 0);
            let shapes_only = self.nodes.iter().all(|n| {
                let at = n.inputs.iter().position(|i| *i == Some(id));
                at.is_none_or(|at| n.op == "Reshape" && at == 1)
            });
            if let (Some(Affine { base: 0, .. }), None, true) =
                (varying.next(), varying.next(), shapes_only)
            {
                // Reshape infers the one dimension that depends on the batch size.
                let inferred = |a: &Affine| if a.slope == 0 { a.base } else { -1 };
                let shape: Vec<i64> = affine.iter().map(inferred).collect();
                self.values[id.0].initializer = Some(Tensor::from_i64s(&shape));
                continue;
            }
            let batch = *batch.get_or_insert_with(|| self.batch_size(input));
            let constant = |of: fn(&Affine) -> i64| {
                Tensor::from_i64s(&affine.iter().map(of).collect::<Vec<_>>())
            };
            let slopes = self.add_initializer("batch/factor", constant(|a| a.slope));
            let bases = self.add_initializer("batch/offset", constant(|a| a.base));
            let product = self.push_integers("Mul", vec![Some(batch), Some(slopes)]);
            let sum = Node {
                op: "Add".into(),
                inputs: vec![Some(product), Some(bases)],
                outputs: vec![Some(id)],
                ..Node::default()
            };
            self.values[id.0].initializer = None;
            self.push_node(sum);
        }
        self.sort_nodes()
    }

    /// The batch size, as a vector of one element.
    fn batch_size(&mut self, input: ValueId) -> ValueId {
        let shape = self.push_integers("Shape", vec![Some(input)]);
        let first = self.add_initializer("batch/first", Tensor::from_i64s(&[0]));
        let batch = self.push_integers("Gather", vec![Some(shape), Some(first)]);
        if let Some(gather) = self.nodes.last_mut() {
            gather.set_attribute("axis", Attribute::Int(0));
        }
        batch
    }

    /// Appends a node with one output of integers.
    fn push_integers(&mut self, op: &str, inputs: Vec<Option<ValueId>>) -> ValueId {
        let output = self.add_value(&format!("batch/{op}"), Some(DType::I64), None);
        let name = self.value(output).name.clone();
        self.push_node(Node {
            op: op.into(),
            name,
            inputs,
            outputs: vec![Some(output)],
            ..Node::default()
        });
        output
    }
}

/// The elements of two tensors of integers, as functions of the batch size.
fn affine(two: &Tensor, three: &Tensor) -> Option<Vec<Affine>> {
    let integers = |t: &Tensor| Some(t.to_i64s()?).filter(|_| t.dtype() == DType::I64);
    let (a, b) = (integers(two)?, integers(three)?);
    let alike = two.shape() == three.shape();
    alike.then(|| a.iter().zip(&b).map(|(a, b)| Affine::through(*a, *b)).collect())
}

/// The shape for this batch size.
fn shape_at(two: &[usize], three: &[usize], batch: usize) -> Option<Vec<usize>> {
    let dim = |(a, b): (&usize, &usize)| {
        usize::try_from(Affine::through(*a as i64, *b as i64).at(batch)).ok()
    };
    (two.len() == three.len()).then(|| two.iter().zip(three).map(dim).collect())?
}

/// The same elements in another shape.
fn reshaped(tensor: Tensor, shape: &[usize]) -> Option<Tensor> {
    Tensor::from_bytes(tensor.dtype(), shape.to_vec(), tensor.bytes()?.clone())
}

#[cfg(test)]
mod tests {
    use crate::testing::run;
    use crate::{DType, Graph, Tape, Tensor};

    /// relu(x) expanded to (2, B, 3), and x + offset reshaped to (3 B), with x of shape (B, 3).
    fn instance(batch: usize, offset: f32) -> (Graph, [crate::ValueId; 3]) {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[batch, 3]);
        let expanded = x.relu().reshape(&[1, batch, 3]).expand(&[2, batch, 3]);
        let line = (x + offset).reshape(&[3 * batch]);
        let (x, expanded, line) = (x.id(), expanded.id(), line.id());
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[expanded, line]);
        (graph, [x, expanded, line])
    }

    #[test]
    fn two_instances_make_a_graph_for_any_batch_size() {
        let ((two, [x, ..]), (three, _)) = (instance(2, 1.0), instance(3, 1.0));
        let any = Graph::with_any_batch_size(&two, &three, x, "N").unwrap();
        let shapes = any.nodes().filter(|(_, n)| n.op == "Shape").count();
        assert_eq!(shapes, 1, "the batch size is computed once, for Expand");
        for batch in [1, 2, 5] {
            let values: Vec<f32> = (0..3 * batch).map(|i| i as f32 - 3.0).collect();
            let input = Tensor::from_f32s(&[batch, 3], &values).unwrap();
            let (expected, _) = instance(batch, 1.0);
            assert_eq!(run(&any, &[(x, &input)]), run(&expected, &[(x, &input)]));
        }
        assert!(
            Graph::with_any_batch_size(&two, &instance(3, 2.0).0, x, "N").is_err(),
            "the offsets differ"
        );
    }

    #[test]
    fn two_instances_give_the_shapes_for_a_batch_size() {
        let known = |batch: i64| {
            let (mut graph, [_, expanded, line]) = instance(batch as usize, 1.0);
            graph.values[line.0].folded = Some(Tensor::from_i64s(&[7, 2 * batch - 1]));
            (graph, expanded, line)
        };
        let ((two, expanded, line), (three, ..)) = (known(2), known(3));
        let eight = Graph::with_batch_size(&two, &three, 8).unwrap();
        assert_eq!(eight.shape(expanded), Some(&[2, 8, 3][..]));
        assert_eq!(eight.content(line), Some(&Tensor::from_i64s(&[7, 15])));
        assert_eq!(eight.value(expanded).dtype, Some(DType::F32));
        let mut other = three.clone();
        other.values[line.0].folded = Tensor::from_f32s(&[2], &[0.0; 2]);
        let eight = Graph::with_batch_size(&two, &other, 8).unwrap();
        assert_eq!(eight.content(line), None, "floats that depend on the batch size");
        other.values[line.0].shape = None;
        assert!(Graph::with_batch_size(&two, &other, 8).is_none(), "a shape is not known");
    }
}
