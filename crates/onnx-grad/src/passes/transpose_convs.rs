//! Rewrites convolutions as transposed convolutions, which some engines compute faster.

use crate::error::Result;
use crate::graph::{Attribute, Graph, Node};
use crate::ops::ConvAttributes;
use crate::tape::Tape;

/// The size of a convolution of stride 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSize {
    /// The number of input channels.
    pub in_channels: usize,
    /// The number of output channels.
    pub out_channels: usize,
    /// The number of elements of a kernel's window: rows times columns.
    pub window: usize,
    /// The number of positions of the output: rows times columns.
    pub positions: usize,
}

impl Graph {
    /// Rewrites the convolutions that `select` chooses as transposed convolutions by the flipped
    /// kernels. Candidates have stride 1, dilation 1, one group, and constant kernels of more than
    /// one element. All shapes must be known.
    ///
    /// # Errors
    /// If the graph's shapes contradict each other.
    pub fn transpose_convs(mut self, select: impl Fn(ConvSize) -> bool) -> Result<Graph> {
        let computed = self.dependents(&self.inputs, &[]);
        let nodes = std::mem::take(&mut self.nodes);
        let tape = Tape::new(self);
        for node in nodes {
            let constant =
                |i: usize| node.inputs.get(i).is_some_and(|v| v.is_some_and(|v| !computed[v.0]));
            match tape.read(|g| size(g, &node)) {
                Some(size) if constant(1) && select(size) => tape.push(transposed(&tape, node)),
                _ => tape.push(node),
            }
        }
        tape.into_graph()
    }
}

/// The size of a convolution that can be rewritten as a transposed one; `None` for other nodes.
fn size(graph: &Graph, node: &Node) -> Option<ConvSize> {
    let is = |name, value| node.attribute(name).is_none_or(|a| *a == value);
    let shape = |v: Option<&Option<_>>| graph.shape((*v?)?).map(<[usize]>::to_vec);
    let (w, y) = (shape(node.inputs.get(1))?, shape(node.outputs.first())?);
    let [out_channels, in_channels, kernel @ ..] = w.as_slice() else { return None };
    let ones = || Attribute::Ints(vec![1; kernel.len()]);
    let is_candidate = node.qualified_op() == "Conv"
        && is("group", Attribute::Int(1))
        && is("strides", ones())
        && is("dilations", ones())
        && node.attribute("auto_pad").is_none()
        && pads(node, kernel).is_some();
    let window = kernel.iter().product();
    let positions = y.iter().skip(2).product();
    let (in_channels, out_channels) = (*in_channels, *out_channels);
    (is_candidate && window > 1).then_some(ConvSize {
        in_channels,
        out_channels,
        window,
        positions,
    })
}

/// The pads of the transposed convolution; `None` if a kernel cannot overlap all of the
/// convolution's padding.
fn pads(node: &Node, kernel: &[usize]) -> Option<Vec<usize>> {
    let none = vec![0; 2 * kernel.len()];
    let pads = match node.attribute("pads") {
        Some(Attribute::Ints(pads)) => pads,
        _ => &none,
    };
    let flipped = |(k, p): (&usize, &i64)| (k - 1).checked_sub(usize::try_from(*p).ok()?);
    kernel.iter().cycle().zip(pads).map(flipped).collect()
}

/// The transposed convolution in place of a convolution. Its kernels are appended to the tape.
fn transposed(tape: &Tape, mut node: Node) -> Node {
    tape.set_scope(&node.name);
    if let Some(Some(w)) = node.inputs.get(1).copied() {
        let w = tape.var(w);
        let kernel = w.shape().split_off(2);
        let order: Vec<usize> = [1, 0].into_iter().chain(2..w.rank()).collect();
        node.inputs[1] = Some(w.flipped().transpose(&order).id());
        let ones = vec![1; kernel.len()];
        let pads = pads(&node, &kernel).unwrap_or_default();
        let options = ConvAttributes { strides: ones.clone(), dilations: ones, pads };
        for (name, value) in options.to_attributes() {
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
    use crate::testing::{Random, case, infer_shapes, run};

    /// The operators that a convolution is rewritten as, after a check that they compute the same.
    fn rewritten(x: &[usize], w: &[usize], attributes: &[(&'static str, &[i64])]) -> Vec<String> {
        let kernel: Vec<i64> = w[2..].iter().map(|k| *k as i64).collect();
        let conv = case("Conv").x(x).fixed(w, -1.0, 1.0).fixed(&w[..1], -1.0, 1.0);
        let conv = conv.ints("kernel_shape", &kernel);
        let conv = attributes.iter().fold(conv, |conv, (name, values)| match values {
            [group] => conv.int(name, *group),
            _ => conv.ints(name, values),
        });
        let (mut graph, inputs, _) = conv.graph();
        infer_shapes(&mut graph);
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
    fn transposed_convolutions_compute_the_same() {
        for (w, attributes) in [
            (&[4, 3, 3, 2][..], &[][..]),
            (&[4, 3, 3, 3], &[("pads", &[1, 2, 0, 1][..])]),
            (&[2, 3, 1, 5], &[("strides", &[1, 1])]),
        ] {
            let ops = rewritten(&[2, 3, 7, 6], w, attributes);
            assert_eq!(ops.last().unwrap(), "ConvTranspose", "{w:?} {attributes:?}");
        }
        assert_eq!(rewritten(&[1, 3, 7], &[4, 3, 3], &[]).last().unwrap(), "ConvTranspose");
    }

    #[test]
    fn other_convolutions_stay_as_they_are() {
        for (w, attributes) in [
            (&[4, 3, 1, 1][..], &[][..]),
            (&[4, 3, 3, 3], &[("strides", &[2, 1][..])]),
            (&[4, 3, 3, 3], &[("dilations", &[1, 2])]),
            (&[4, 3, 2, 2], &[("pads", &[2, 0, 0, 0])]),
            (&[3, 1, 3, 3], &[("group", &[3])]),
        ] {
            assert_eq!(rewritten(&[2, 3, 7, 6], w, attributes), ["Conv"], "{w:?} {attributes:?}");
        }
    }
}
