//! The arithmetic that a model begins with shows the range of values that it takes.
//!
//! Many classifiers scale their input themselves: by Keras' `Rescaling` and `Normalization`, by a `transforms.Normalize`
//! that was exported with them, by the quantisation of an input of bytes.

use std::collections::HashMap;

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
        _ => (expected_scale(graph, input)?, 0.0),
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

/// The scale of the picture's values that the graph's first operators speak for; `None` if they say nothing.
///
/// The input is followed, in the order of execution, through arithmetic with constants and whatever only moves values
/// (also channel by channel), to the first operator that mixes them or knows their statistics.
fn expected_scale(graph: &Graph, input: ValueId) -> Option<f64> {
    let mut last = Affine { factor: 1.0, offset: 0.0 };
    let mut carried = HashMap::from([(input, last)]);
    for (_, node) in graph.nodes() {
        let at = node.inputs.iter().flatten().find_map(|i| carried.get(i)).copied();
        let Some(at) = at.filter(|_| !matches!(node.op.as_str(), "Shape" | "Size")) else {
            continue;
        };
        match node.op.as_str() {
            "BatchNormalization" => return normalized(graph, node, at),
            "QuantizeLinear" => return quantized(graph, node, at),
            _ => {}
        }
        let Some(next) = step(graph, node, &carried, at) else { return range(at) };
        last = next;
        carried.extend(node.outputs.iter().flatten().map(|output| (*output, next)));
    }
    range(last)
}

/// What a batch normalisation of the input says: the mean and deviation of the pictures it was trained with.
fn normalized(graph: &Graph, node: &Node, at: Affine) -> Option<f64> {
    let mean = mean_of(graph, node, 3, |x| x)?;
    let deviation = mean_of(graph, node, 4, f64::sqrt)? / at.factor.abs();
    let mean = (mean - at.offset) / at.factor;
    if mean > 16.0 && deviation > 8.0 {
        Some(1.0)
    } else {
        // Pictures that were normalised before have a mean of about 0.
        ((0.15..0.85).contains(&mean) && deviation < 0.5).then_some(1.0 / 255.0)
    }
}

/// What the quantisation of the input says: the range that its steps cover.
fn quantized(graph: &Graph, node: &Node, at: Affine) -> Option<f64> {
    let step = mean_of(graph, node, 1, |x| x)?;
    let (zero, least) = match node.input(2) {
        None => (0.0, 0.0),
        Some(zero) => match graph.value(zero).dtype {
            Some(DType::U8) => (mean_of(graph, node, 2, |x| x)?, 0.0),
            Some(DType::I8) => (mean_of(graph, node, 2, |x| x)?, -128.0),
            _ => return range(at),
        },
    };
    let raw = |level: f64| ((level - zero) * step - at.offset) / at.factor;
    let (one, other) = (raw(least), raw(least + 255.0));
    let (low, high) = (one.min(other), one.max(other));
    match (low, high) {
        // A range that begins far below 0 is that of values which were normalised before.
        _ if high > 16.0 => (low > -16.0).then_some(1.0),
        _ => (low > -0.1 && high < 1.1).then_some(1.0 / 255.0),
    }
}

/// The mean, over all channels, of a function of a node's constant; `None` if the input is none.
fn mean_of(graph: &Graph, node: &Node, input: usize, f: fn(f64) -> f64) -> Option<f64> {
    let content = graph.content(node.inputs.get(input).copied()??)?;
    let numbers: Vec<f64> = match content.to_f32s() {
        Some(floats) => floats.into_iter().map(f64::from).collect(),
        None => content.to_i64s()?.into_iter().map(|n| n as f64).collect(),
    };
    let count = numbers.len() as f64;
    let mean = numbers.iter().map(|x| f(*x) / count).sum::<f64>();
    (count > 0.0 && mean.is_finite()).then_some(mean)
}

/// The same after one more node; `None` if the node is no arithmetic with constants.
fn step(
    graph: &Graph,
    node: &Node,
    carried: &HashMap<ValueId, Affine>,
    Affine { factor, offset }: Affine,
) -> Option<Affine> {
    let get = |input: &Option<ValueId>| carried.get(input.as_ref()?).copied();
    let first = node.inputs.first().is_some_and(|input| get(input).is_some());
    let mean = |f: fn(f64) -> f64| mean_of(graph, node, usize::from(first), f);
    let of = |factor, offset| Some(Affine { factor, offset });
    match node.op.as_str() {
        "Identity" | "Cast" | "Transpose" | "Pad" | "Slice" | "Clip" | "Resize" | "Unsqueeze"
        | "Squeeze" | "Gather" | "Split" | "Reshape" | "Flatten"
            if first =>
        {
            of(factor, offset)
        }
        // Channels that were treated one by one.
        "Concat" => {
            let parts: Vec<Affine> = node.inputs.iter().map(get).collect::<Option<_>>()?;
            let count = parts.len() as f64;
            let sum = |of: fn(&Affine) -> f64| parts.iter().map(of).sum::<f64>() / count;
            of(sum(|part| part.factor), sum(|part| part.offset))
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

    fn gather(x: Var<'_>) -> Var<'_> {
        let order = onnx_grad::Tensor::from_i64s(&[2, 1, 0]);
        let (order, axis) = (x.tape().constant(order), [("axis", Attribute::Int(1))]);
        x.tape().op("Gather", &[Some(x), Some(order)], &axis, DType::F32, x.shape())
    }

    fn concat<'g>(parts: &[Var<'g>]) -> Var<'g> {
        let (x, inputs) = (parts[0], parts.iter().copied().map(Some).collect::<Vec<_>>());
        x.tape().op("Concat", &inputs, &[("axis", Attribute::Int(1))], DType::F32, x.shape())
    }

    fn batch_norm(x: Var<'_>, mean: f32, deviation: f32) -> Var<'_> {
        let constants = [1.0, 0.0, mean, deviation * deviation]
            .map(|v| Some(x.tape().constant(onnx_grad::Tensor::from_f32s(&[3], &[v; 3]).unwrap())));
        let inputs: Vec<_> = std::iter::once(Some(x)).chain(constants).collect();
        x.tape().op("BatchNormalization", &inputs, &[], DType::F32, x.shape())
    }

    fn quantize(x: Var<'_>, step: f32) -> Var<'_> {
        x.tape().op("QuantizeLinear", &[Some(x), Some(number(x, step))], &[], DType::U8, x.shape())
    }

    #[test]
    fn the_range_follows_from_the_arithmetic() {
        type Model = for<'g> fn(Var<'g>) -> Var<'g>;
        let (bytes, unit) = (Some(1.0), Some(1.0 / 255.0));
        let cases: [(&str, Model, Option<f64>); 18] = [
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
            ("turned around", |x| gather(x), None),
            (
                "turned around, Caffe's mean",
                |x| gather(x) - channels(x, [103.9, 116.8, 123.7]),
                bytes,
            ),
            ("each by itself", |x| concat(&[x / number(x, 255.0), x / number(x, 254.0)]), bytes),
            ("a batch normalisation of bytes", |x| batch_norm(x, 118.0, 60.0), bytes),
            ("of 0 to 1", |x| batch_norm(x, 0.45, 0.22), unit),
            ("of normalised values", |x| batch_norm(x, 0.01, 1.1), None),
            ("quantised bytes", |x| quantize(x, 1.0), bytes),
            ("quantised 0 to 1", |x| quantize(x, 1.0 / 255.0), unit),
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
