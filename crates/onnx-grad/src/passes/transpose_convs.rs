//! The same computation in another form, which an engine may run faster.

use crate::error::Result;
use crate::graph::{Attribute, Graph, Node};
use crate::ops::Sliding;
use crate::tape::Tape;

/// The size of a convolution of stride 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSize {
    /// Its input's channels.
    pub inputs: usize,
    /// Its output's channels.
    pub outputs: usize,
    /// The elements of a kernel's window.
    pub taps: usize,
    /// The places of its output: rows times columns.
    pub places: usize,
}

impl Graph {
    /// Writes convolutions as transposed convolutions by the flipped kernels where `when` says so:
    /// those of stride 1, in one group, without gaps, by constant kernels of more than one element.
    ///
    /// # Errors
    /// If the graph's shapes do not fit together.
    pub fn transpose_convs(mut self, when: impl Fn(ConvSize) -> bool) -> Result<Graph> {
        let depending = self.depending(&self.inputs, &[]);
        let nodes = std::mem::take(&mut self.nodes);
        let tape = Tape::new(self);
        for node in nodes {
            let constant =
                |i: usize| node.inputs.get(i).is_some_and(|v| v.is_some_and(|v| !depending[v.0]));
            match tape.read(|g| size(g, &node)) {
                Some(size) if constant(1) && when(size) => tape.push(transposed(&tape, node)),
                _ => tape.push(node),
            }
        }
        tape.into_graph()
    }
}

/// The size of a convolution that can be written as a transposed one.
fn size(graph: &Graph, node: &Node) -> Option<ConvSize> {
    let is = |name, value| node.attribute(name).is_none_or(|a| *a == value);
    let shape = |v: Option<&Option<_>>| graph.shape((*v?)?).map(<[usize]>::to_vec);
    let (w, y) = (shape(node.inputs.get(1))?, shape(node.outputs.first())?);
    let [outputs, inputs, kernel @ ..] = w.as_slice() else { return None };
    let ones = || Attribute::Ints(vec![1; kernel.len()]);
    let fits = node.qualified_op() == "Conv"
        && is("group", Attribute::Int(1))
        && is("strides", ones())
        && is("dilations", ones())
        && node.attribute("auto_pad").is_none()
        && pads(node, kernel).is_some();
    let taps = kernel.iter().product();
    let places = y.iter().skip(2).product();
    (fits && taps > 1).then_some(ConvSize { inputs: *inputs, outputs: *outputs, taps, places })
}

/// The pads of the transposed convolution.
fn pads(node: &Node, kernel: &[usize]) -> Option<Vec<usize>> {
    let none = vec![0; 2 * kernel.len()];
    let pads = match node.attribute("pads") {
        Some(Attribute::Ints(pads)) => pads,
        _ => &none,
    };
    let cut = |(k, p): (&usize, &i64)| (k - 1).checked_sub(usize::try_from(*p).ok()?);
    kernel.iter().cycle().zip(pads).map(cut).collect()
}

fn transposed(tape: &Tape, mut node: Node) -> Node {
    tape.set_scope(&node.name);
    if let Some(Some(w)) = node.inputs.get(1).copied() {
        let w = tape.var(w);
        let kernel = w.shape().split_off(2);
        let order: Vec<usize> = [1, 0].into_iter().chain(2..w.rank()).collect();
        node.inputs[1] = Some(w.flipped().transpose(&order).id());
        let ones = vec![1; kernel.len()];
        let pads = pads(&node, &kernel).unwrap_or_default();
        let sliding = Sliding { strides: ones.clone(), dilations: ones, pads };
        for (name, value) in sliding.attributes() {
            node.set_attribute(name, value);
        }
        node.op = "ConvTranspose".into();
    }
    tape.set_scope("");
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;
    use crate::testing::{Random, case, learn, run};

    /// The operators of a convolution's graph, recast, after a check that they compute the same.
    fn recast(x: &[usize], w: &[usize], attributes: &[(&'static str, &[i64])]) -> Vec<String> {
        let kernel: Vec<i64> = w[2..].iter().map(|k| *k as i64).collect();
        let conv = case("Conv").x(x).fixed(w, -1.0, 1.0).fixed(&w[..1], -1.0, 1.0);
        let conv = conv.ints("kernel_shape", &kernel);
        let conv = attributes.iter().fold(conv, |conv, (name, values)| match values {
            [group] => conv.int(name, *group),
            _ => conv.ints(name, values),
        });
        let (mut graph, inputs, _) = conv.graph();
        learn(&mut graph);
        let mut random = Random::new(1);
        let values: Vec<f32> = (0..x.iter().product()).map(|_| random.next()).collect();
        let input = Tensor::from_f32s(x, &values).unwrap();
        let result = |graph: &Graph| run(graph, &[(inputs[0].0, &input)])[0].to_f32s().unwrap();
        let before = result(&graph);
        let graph = graph.transpose_convs(|_| true).unwrap();
        for (a, b) in before.iter().zip(&result(&graph)) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        graph.nodes().map(|(_, n)| n.op.clone()).collect()
    }

    #[test]
    fn a_transposed_convolution_computes_the_same() {
        for (w, attributes) in [
            (&[4, 3, 3, 2][..], &[][..]),
            (&[4, 3, 3, 3], &[("pads", &[1, 2, 0, 1][..])]),
            (&[2, 3, 1, 5], &[("strides", &[1, 1])]),
        ] {
            let ops = recast(&[2, 3, 7, 6], w, attributes);
            assert_eq!(ops.last().unwrap(), "ConvTranspose", "{w:?} {attributes:?}");
        }
        assert_eq!(recast(&[1, 3, 7], &[4, 3, 3], &[]).last().unwrap(), "ConvTranspose");
    }

    #[test]
    fn other_convolutions_stay() {
        for (w, attributes) in [
            (&[4, 3, 1, 1][..], &[][..]),
            (&[4, 3, 3, 3], &[("strides", &[2, 1][..])]),
            (&[4, 3, 3, 3], &[("dilations", &[1, 2])]),
            (&[4, 3, 2, 2], &[("pads", &[2, 0, 0, 0])]),
            (&[3, 1, 3, 3], &[("group", &[3])]),
        ] {
            assert_eq!(recast(&[2, 3, 7, 6], w, attributes), ["Conv"], "{w:?} {attributes:?}");
        }
    }
}
