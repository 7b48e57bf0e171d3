//! Graphs of any number of pictures, told from those of two and of three.
//!
//! Whatever depends on the number of pictures B, dimensions and the entries of shape vectors, is
//! a + b B. Two instances give a and b.

use crate::error::{Error, Result};
use crate::graph::{Attribute, Dim, Graph, Node, ValueId};
use crate::tensor::{DType, Tensor};

/// a + b B.
#[derive(Clone, Copy)]
struct Affine {
    base: i64,
    slope: i64,
}

impl Affine {
    fn through(two: i64, three: i64) -> Affine {
        let slope = three - two;
        Affine { base: two - 2 * slope, slope }
    }

    fn at(self, batch: usize) -> i64 {
        self.base + self.slope * batch as i64
    }
}

impl Graph {
    /// The graph of `batch` pictures, of one whose shapes were learnt with two and with three;
    /// `None` if they do not go on so.
    pub fn of_batch(two: &Graph, three: &Graph, batch: usize) -> Option<Graph> {
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
            // What is computed from constants and shapes alone: as vectors of integers, or else no more.
            value.known = match (value.known.take(), &other.known) {
                (Some(two), Some(three)) if two == *three => Some(two),
                (Some(two), Some(three)) => affine(&two, three).and_then(|entries| {
                    let at: Vec<i64> = entries.into_iter().map(|a| a.at(batch)).collect();
                    reshaped(Tensor::from_i64s(&at), two.shape())
                }),
                _ => None,
            };
        }
        for input in graph.inputs.clone() {
            if let Some(shape) = graph.values[input.0].shape.clone() {
                graph.fix_input(input, &shape);
            }
        }
        Some(graph)
    }

    /// Makes one graph, of any number of pictures, out of one of two pictures and the same of three.
    /// The number is that of the first axis of `input`, and is called `name` in the shapes of inputs
    /// and outputs.
    ///
    /// # Errors
    /// If the two are not the same but for the number of pictures.
    pub fn of_any_batch(two: &Graph, three: &Graph, input: ValueId, name: &str) -> Result<Graph> {
        let mut graph = two.clone();
        let unlike = |what: &str| {
            Error::Invalid(format!("the graph depends on the number of pictures: {what}"))
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
        let needed = two.ancestors(&two.outputs);
        let mut computed = Vec::new();
        for (id, value) in two.values().filter(|(id, _)| needed[id.0]) {
            let other = three.value(id);
            match (&value.initializer, &other.initializer) {
                (Some(a), Some(b)) if a != b => {
                    let affine = affine(a, b).ok_or_else(|| unlike(&value.name))?;
                    computed.push((id, affine));
                }
                (Some(_), Some(_)) | (None, None) => {}
                _ => return Err(unlike(&value.name)),
            }
        }
        graph.replace(computed, input)?;
        for id in graph.inputs.iter().chain(&graph.outputs).copied().collect::<Vec<_>>() {
            let (Some(a), Some(b)) = (two.shape(id), three.shape(id)) else { continue };
            let dim = |(a, b): (&usize, &usize)| match a == b {
                true => Dim::Fixed(*a),
                false if (*a, *b) == (2, 3) => Dim::Dynamic(name.to_owned()),
                false => Dim::Dynamic(String::new()),
            };
            let declared = a.iter().zip(b).map(dim).collect();
            graph.values[id.0].declared = Some(declared);
            graph.values[id.0].shape = None;
        }
        Ok(graph)
    }

    /// Puts nodes in place of constants that depend on the number of pictures.
    fn replace(&mut self, constants: Vec<(ValueId, Vec<Affine>)>, input: ValueId) -> Result<()> {
        let mut batch = None;
        for (id, affine) in constants {
            let mut varying = affine.iter().filter(|a| a.slope != 0);
            let of_reshapes = self.nodes.iter().all(|n| {
                let at = n.inputs.iter().position(|i| *i == Some(id));
                at.is_none_or(|at| n.op == "Reshape" && at == 1)
            });
            if let (Some(Affine { base: 0, .. }), None, true) =
                (varying.next(), varying.next(), of_reshapes)
            {
                // What is left over belongs to the pictures.
                let inferred = |a: &Affine| if a.slope == 0 { a.base } else { -1 };
                let shape: Vec<i64> = affine.iter().map(inferred).collect();
                self.values[id.0].initializer = Some(Tensor::from_i64s(&shape));
                continue;
            }
            let batch = *batch.get_or_insert_with(|| self.pictures(input));
            let constant = |of: fn(&Affine) -> i64| {
                Tensor::from_i64s(&affine.iter().map(of).collect::<Vec<_>>())
            };
            let slopes = self.add_initializer("batch/factor", constant(|a| a.slope));
            let bases = self.add_initializer("batch/offset", constant(|a| a.base));
            let product = self.computed("Mul", vec![Some(batch), Some(slopes)]);
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

    /// The number of pictures, as a vector of one element.
    fn pictures(&mut self, input: ValueId) -> ValueId {
        let shape = self.computed("Shape", vec![Some(input)]);
        let first = self.add_initializer("batch/first", Tensor::from_i64s(&[0]));
        let batch = self.computed("Gather", vec![Some(shape), Some(first)]);
        if let Some(gather) = self.nodes.last_mut() {
            gather.set_attribute("axis", Attribute::Int(0));
        }
        batch
    }

    /// One more node, of integers.
    fn computed(&mut self, op: &str, inputs: Vec<Option<ValueId>>) -> ValueId {
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

/// The entries of two vectors of integers, as functions of the number of pictures.
fn affine(two: &Tensor, three: &Tensor) -> Option<Vec<Affine>> {
    let integers = |t: &Tensor| Some(t.to_i64s()?).filter(|_| t.dtype() == DType::I64);
    let (a, b) = (integers(two)?, integers(three)?);
    let alike = two.shape() == three.shape();
    alike.then(|| a.iter().zip(&b).map(|(a, b)| Affine::through(*a, *b)).collect())
}

fn shape_at(two: &[usize], three: &[usize], batch: usize) -> Option<Vec<usize>> {
    let dim = |(a, b): (&usize, &usize)| {
        usize::try_from(Affine::through(*a as i64, *b as i64).at(batch)).ok()
    };
    (two.len() == three.len()).then(|| two.iter().zip(three).map(dim).collect())?
}

fn reshaped(tensor: Tensor, shape: &[usize]) -> Option<Tensor> {
    Tensor::from_bytes(tensor.dtype(), shape.to_vec(), tensor.bytes()?.clone())
}

#[cfg(test)]
mod tests {
    use crate::testing::run;
    use crate::{DType, Graph, Tape, Tensor};

    /// y = relu(x) spread over (2, B, 3) and (B 3) scalars, by shapes that are constants.
    fn of(batch: usize, offset: f32) -> (Graph, [crate::ValueId; 3]) {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[batch, 3]);
        let spread = x.relu().reshape(&[1, batch, 3]).expand(&[2, batch, 3]);
        let line = (x + offset).reshape(&[3 * batch]);
        let (x, spread, line) = (x.id(), spread.id(), line.id());
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[spread, line]);
        (graph, [x, spread, line])
    }

    #[test]
    fn two_instances_make_one_of_any_size() {
        let ((two, [x, ..]), (three, _)) = (of(2, 1.0), of(3, 1.0));
        let any = Graph::of_any_batch(&two, &three, x, "N").unwrap();
        let shapes = any.nodes().filter(|(_, n)| n.op == "Shape").count();
        assert_eq!(shapes, 1, "one number of pictures, for Expand");
        for batch in [1, 2, 5] {
            let values: Vec<f32> = (0..3 * batch).map(|i| i as f32 - 3.0).collect();
            let input = Tensor::from_f32s(&[batch, 3], &values).unwrap();
            let (expected, _) = of(batch, 1.0);
            assert_eq!(run(&any, &[(x, &input)]), run(&expected, &[(x, &input)]));
        }
        assert!(Graph::of_any_batch(&two, &of(3, 2.0).0, x, "N").is_err(), "another scalar");
    }

    #[test]
    fn shapes_are_told_for_any_batch() {
        let learnt = |batch: i64| {
            let (mut graph, [_, spread, line]) = of(batch as usize, 1.0);
            graph.values[line.0].known = Some(Tensor::from_i64s(&[7, 2 * batch - 1]));
            (graph, spread, line)
        };
        let ((two, spread, line), (three, ..)) = (learnt(2), learnt(3));
        let eight = Graph::of_batch(&two, &three, 8).unwrap();
        assert_eq!(eight.shape(spread), Some(&[2, 8, 3][..]));
        assert_eq!(eight.content(line), Some(&Tensor::from_i64s(&[7, 15])));
        assert_eq!(eight.value(spread).dtype, Some(DType::F32));
        let mut odd = three.clone();
        odd.values[line.0].known = Tensor::from_f32s(&[2], &[0.0; 2]);
        let eight = Graph::of_batch(&two, &odd, 8).unwrap();
        assert_eq!(eight.content(line), None, "floats that depend on it");
        odd.values[line.0].shape = None;
        assert!(Graph::of_batch(&two, &odd, 8).is_none(), "a shape that is not known");
    }
}
