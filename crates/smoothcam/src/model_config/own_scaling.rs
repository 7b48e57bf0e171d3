//! The arithmetic that a model begins with shows the range of values that it takes.
//!
//! Many classifiers scale their input themselves: by Keras' `Rescaling` and `Normalization`, by a `transforms.Normalize`
//! that was exported with them, by the quantisation of an input of bytes.

use onnx_grad::{DType, Graph, Node, ValueId};

use super::source::{PartialPreprocess, Source};

/// The source's name.
const NAME: &str = "the model scales its input itself";

/// What arithmetic makes of the input x: `factor * x + offset`, in the mean of the channels.
#[derive(Clone, Copy, Debug)]
struct Affine {
    factor: f64,
    offset: f64,
}

/// The scaling of the picture that a model needs which scales its input itself; `None` if it does not, or if another
/// source has scale, mean or deviation.
pub(crate) fn own_scaling(graph: &Graph, input: ValueId, sources: &[Source]) -> Option<Source> {
    let has_scaling = |s: &Source| {
        let PartialPreprocess { scale, mean, std, .. } = &s.settings;
        scale.is_some() || mean.is_some() || std.is_some()
    };
    if sources.iter().any(has_scaling) {
        return None;
    }
    let (scale, mean) = match graph.value(input).dtype {
        // Bytes are the picture's own values, signed ones with 0 in the middle.
        Some(DType::U8) => (1.0, 0.0),
        Some(DType::I8) => (1.0, 128.0),
        _ => (range(affine(graph, input))?, 0.0),
    };
    let settings = PartialPreprocess {
        scale: Some(scale),
        mean: Some(vec![mean]),
        std: Some(vec![1.0]),
        ..PartialPreprocess::default()
    };
    Some(Source { name: NAME.into(), settings, ..Source::default() })
}

/// The scale of the picture's values that brings them, after this arithmetic, into the range that networks work in;
/// `None` if the arithmetic changes nothing.
fn range(Affine { factor, offset }: Affine) -> Option<f64> {
    let factor = factor.abs();
    let unchanged = (factor - 1.0).abs() < 0.01 && offset.abs() < 0.01;
    // What is divided by a large number, or has one subtracted, are 8-bit values.
    let bytes = factor < 0.08 || (offset.abs() > 16.0 && factor < 16.0);
    (!unchanged).then_some(if bytes { 1.0 } else { 1.0 / 255.0 })
}

/// What the arithmetic with constants makes of the input that comes before everything else.
fn affine(graph: &Graph, input: ValueId) -> Affine {
    let mut affine = Affine { factor: 1.0, offset: 0.0 };
    let mut at = input;
    loop {
        let reads =
            |n: &&Node| n.inputs.contains(&Some(at)) && !matches!(n.op.as_str(), "Shape" | "Size");
        let mut readers = graph.nodes().map(|(_, n)| n).filter(reads);
        let (Some(node), None) = (readers.next(), readers.next()) else { return affine };
        let Some(next) = step(graph, node, at, affine) else { return affine };
        let Some(Some(output)) = node.outputs.first() else { return affine };
        (affine, at) = (next, *output);
    }
}

/// The same after one more node; `None` if the node is no arithmetic with constants.
fn step(
    graph: &Graph,
    node: &Node,
    at: ValueId,
    Affine { factor, offset }: Affine,
) -> Option<Affine> {
    let first = node.inputs.first() == Some(&Some(at));
    let numbers = |i: usize| graph.content(node.inputs.get(i).copied()??)?.to_f32s();
    // The mean, over all channels, of a function of the constant.
    let mean = |f: fn(f64) -> f64| {
        let numbers = numbers(usize::from(first))?;
        let count = numbers.len() as f64;
        let mean = numbers.iter().map(|x| f(f64::from(*x)) / count).sum::<f64>();
        (count > 0.0 && mean.is_finite()).then_some(mean)
    };
    let of = |factor, offset| Some(Affine { factor, offset });
    match node.op.as_str() {
        "Identity" | "Cast" | "Transpose" | "Pad" | "Slice" | "Clip" | "Resize" | "Unsqueeze"
        | "Squeeze"
            if first =>
        {
            of(factor, offset)
        }
        "Add" => of(factor, offset + mean(|x| x)?),
        "Sub" if first => of(factor, offset - mean(|x| x)?),
        "Sub" => of(-factor, mean(|x| x)? - offset),
        "Mul" => mean(|x| x).and_then(|m| of(factor * m, offset * m)),
        "Div" if first => mean(|x| 1.0 / x).and_then(|m| of(factor * m, offset * m)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use onnx_grad::{Attribute, Tape, Var};

    use super::*;

    fn scale(model: impl for<'g> Fn(Var<'g>) -> Var<'g>) -> Option<f64> {
        let tape = Tape::new(Graph::new());
        let x = tape.input("picture", &[1, 3, 4, 4]);
        let input = x.id();
        let y = model(x);
        let kernel = tape.constant(onnx_grad::Tensor::from_f32s(&[1, 3, 1, 1], &[1.0; 3]).unwrap());
        let y = tape.op("Conv", &[Some(y), Some(kernel)], &[], DType::F32, vec![1, 1, 4, 4]);
        let graph = {
            y.abs();
            tape
        }
        .into_graph()
        .unwrap();
        let found = own_scaling(&graph, input, &[])?;
        assert_eq!((found.settings.mean, found.settings.std), (Some(vec![0.0]), Some(vec![1.0])));
        found.settings.scale
    }

    fn number(x: Var<'_>, value: f32) -> Var<'_> {
        x.tape().scalar(value)
    }

    fn channels<'g>(x: Var<'g>, values: [f32; 3]) -> Var<'g> {
        x.tape().constant(onnx_grad::Tensor::from_f32s(&[1, 3, 1, 1], &values).unwrap())
    }

    #[test]
    fn the_range_follows_from_the_arithmetic() {
        type Model = for<'g> fn(Var<'g>) -> Var<'g>;
        let (bytes, unit) = (Some(1.0), Some(1.0 / 255.0));
        let cases: [(&str, Model, Option<f64>); 10] = [
            ("nothing", |x| x, None),
            ("a relu", |x| x.relu(), None),
            ("times 1", |x| x * number(x, 1.0), None),
            ("Rescaling(1/255)", |x| x * number(x, 1.0 / 255.0), bytes),
            ("divided by 255", |x| x / number(x, 255.0), bytes),
            ("Rescaling(1/127.5, -1)", |x| x * number(x, 1.0 / 127.5) - number(x, 1.0), bytes),
            ("Caffe's mean", |x| x - channels(x, [103.9, 116.8, 123.7]), bytes),
            ("to -1 .. 1", |x| x * number(x, 2.0) - number(x, 1.0), unit),
            (
                "ImageNet's normalisation",
                |x| (x - channels(x, [0.485, 0.456, 0.406])) / channels(x, [0.229, 0.224, 0.225]),
                unit,
            ),
            (
                "the same of bytes, transposed",
                |x| {
                    let axes = [("perm", Attribute::Ints(vec![0, 1, 3, 2]))];
                    let x = x.tape().op("Transpose", &[Some(x)], &axes, DType::F32, x.shape());
                    (x / number(x, 255.0) - number(x, 0.45)) / number(x, 0.22)
                },
                bytes,
            ),
        ];
        for (name, model, expected) in cases {
            assert_eq!(scale(model), expected, "{name}");
        }
    }

    #[test]
    fn bytes_are_taken_as_they_are_and_other_sources_come_first() {
        let mut graph = Graph::new();
        let input = graph.add_input("picture", &[1, 3, 4, 4]);
        assert_eq!(own_scaling(&graph, input, &[]), None);
        let said = PartialPreprocess { mean: Some(vec![0.5]), ..PartialPreprocess::default() };
        let tape = Tape::new(Graph::new());
        let x = tape.input("picture", &[1, 3, 4, 4]);
        let (input, _) = (x.id(), x / number(x, 255.0));
        let graph = tape.into_graph().unwrap();
        assert!(own_scaling(&graph, input, &[]).is_some());
        assert_eq!(own_scaling(&graph, input, &[Source::given(said)]), None);
    }
}
