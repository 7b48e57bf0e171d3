use onnx_grad::{Attribute, Tape, Tensor, Var};

use super::*;
use crate::input::preprocess::Channels::{self, Bgr, Rgb};

const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];
/// Of blue, green and red.
const CAFFE: [f32; 3] = [103.939, 116.779, 123.68];

/// What is found for a model of 3 x 4 x 4 colours, whose first operators are these.
fn found(model: impl for<'g> Fn(Var<'g>) -> Var<'g>) -> OwnScaling {
    let tape = Tape::new(Graph::new());
    let x = tape.input("picture", &[1, 3, 4, 4]);
    let input = x.id();
    let y = model(x);
    let count = y.shape().get(1).copied().unwrap_or(1);
    let kernel = Tensor::from_f32s(&[1, count, 1, 1], &vec![1.0; count]).unwrap();
    let kernel = tape.constant(kernel);
    tape.op("Conv", &[Some(y), Some(kernel)], &[], DType::F32, vec![1, 1, 4, 4]);
    let graph = tape.into_graph().unwrap();
    own_scaling(&graph, input, &[1, 3, 4, 4].map(Some), &[])
}

/// What a source says, its mean and deviation rounded: of one value for all channels, or of the first one.
fn said(found: &OwnScaling) -> Option<(f64, f64, f64, Option<Channels>)> {
    let settings = &found.source.as_ref()?.settings;
    let first = |values: &Option<Vec<f64>>| values.as_ref().unwrap()[0];
    Some((settings.scale?, first(&settings.mean), first(&settings.std), settings.channels))
}

fn number(x: Var<'_>, value: f32) -> Var<'_> {
    x.tape().scalar(value)
}

fn each<'g>(x: Var<'g>, values: [f32; 3]) -> Var<'g> {
    x.tape().constant(Tensor::from_f32s(&[1, 3, 1, 1], &values).unwrap())
}

fn reversed(values: [f32; 3]) -> [f32; 3] {
    [values[2], values[1], values[0]]
}

fn normalised<'g>(x: Var<'g>, mean: [f32; 3], std: [f32; 3]) -> Var<'g> {
    (x - each(x, mean)) / each(x, std)
}

fn integers<'g>(x: Var<'g>, values: &[i64]) -> Option<Var<'g>> {
    Some(x.tape().constant(Tensor::from_i64s(values)))
}

fn op<'g>(x: Var<'g>, op: &str, others: &[Option<Var<'g>>], axis: i64, shape: &[usize]) -> Var<'g> {
    let inputs: Vec<_> = std::iter::once(Some(x)).chain(others.iter().copied()).collect();
    let axis = [("axis", Attribute::Int(axis))];
    let attributes = if matches!(op, "Gather" | "Concat") { &axis[..] } else { &[] };
    x.tape().op(op, &inputs, attributes, DType::F32, shape.to_vec())
}

fn gather(x: Var<'_>) -> Var<'_> {
    op(x, "Gather", &[integers(x, &[2, 1, 0])], 1, &x.shape())
}

/// The first two axes swapped, which gives this shape.
fn swapped<'g>(x: Var<'g>, shape: &[usize]) -> Var<'g> {
    let axes = [("perm", Attribute::Ints(vec![1, 0, 2, 3]))];
    x.tape().op("Transpose", &[Some(x)], &axes, DType::F32, shape.to_vec())
}

fn slice(x: Var<'_>) -> Var<'_> {
    let numbers = [&[-1][..], &[i64::MIN], &[1], &[-1]].map(|values| integers(x, values));
    op(x, "Slice", &numbers, 1, &x.shape())
}

/// The channels `order`, each by itself.
fn split<'g>(x: Var<'g>, order: [i64; 3], f: impl Fn(Var<'g>, usize) -> Var<'g>) -> Var<'g> {
    let one = |c: i64| {
        let start = integers(x, &[c]);
        let (end, axis) = (integers(x, &[c + 1]), integers(x, &[1]));
        f(op(x, "Slice", &[start, end, axis], 1, &[1, 1, 4, 4]), c as usize)
    };
    let parts = order.map(one);
    op(parts[0], "Concat", &[Some(parts[1]), Some(parts[2])], 1, &[1, 3, 4, 4])
}

fn batch_norm<'g>(x: Var<'g>, mean: [f32; 3], deviation: f32) -> Var<'g> {
    let of = |values: &[f32; 3]| Some(x.tape().constant(Tensor::from_f32s(&[3], values).unwrap()));
    let constants = [[1.2, 0.9, 1.1], [0.1, -0.2, 0.3], mean, [deviation * deviation; 3]];
    let others: Vec<_> = constants.iter().map(of).collect();
    op(x, "BatchNormalization", &others, 0, &x.shape())
}

fn quantize(x: Var<'_>, step: f32) -> Var<'_> {
    x.tape().op("QuantizeLinear", &[Some(x), Some(number(x, step))], &[], DType::U8, x.shape())
}

/// Quantised and back, by 8 bits with steps of this size.
fn qdq(x: Var<'_>, step: f32) -> Var<'_> {
    let (quantised, step) = (quantize(x, step), number(x, step));
    let inputs = [Some(quantised), Some(step)];
    x.tape().op("DequantizeLinear", &inputs, &[], DType::F32, x.shape())
}

#[test]
fn the_values_and_their_order_follow_from_the_arithmetic() {
    type Model = for<'g> fn(Var<'g>) -> Var<'g>;
    type Values = (f64, f64, f64);
    let (bytes, unit) = ((1.0, 0.0, 1.0), (1.0 / 255.0, 0.0, 1.0));
    let symmetric = (1.0 / 255.0, 0.5, 0.5);
    let (imagenet, of_blue) = ((1.0 / 255.0, 0.485, 0.229), (1.0 / 255.0, 0.406, 0.225));
    let cases: &[(&str, Model, Values, Option<Channels>)] = &[
        ("Rescaling(1/255)", |x| x * number(x, 1.0 / 255.0), bytes, None),
        ("divided by 255", |x| x / number(x, 255.0), bytes, None),
        ("Rescaling(1/127.5, -1)", |x| x * number(x, 1.0 / 127.5) - number(x, 1.0), bytes, None),
        ("centred bytes", |x| x - number(x, 127.5), bytes, None),
        ("to -1 .. 1", |x| x * number(x, 2.0) - number(x, 1.0), unit, None),
        ("the mean alone", |x| x - number(x, 0.45), unit, None),
        ("inverted", |x| number(x, 255.0) - x, bytes, None),
        ("ImageNet's", |x| normalised(x, MEAN, STD), unit, Some(Rgb)),
        ("the same of bytes", |x| normalised(x / number(x, 255.0), MEAN, STD), bytes, Some(Rgb)),
        ("of blue first", |x| normalised(x, reversed(MEAN), reversed(STD)), unit, Some(Bgr)),
        ("and turned around", |x| normalised(gather(x), MEAN, STD), unit, Some(Bgr)),
        ("Caffe's mean", |x| x - each(x, CAFFE), bytes, Some(Bgr)),
        ("turned around by Gather", |x| gather(x) - each(x, CAFFE), bytes, Some(Rgb)),
        ("turned around by Slice", |x| slice(x) - each(x, CAFFE), bytes, Some(Rgb)),
        (
            "by GatherND, as torch writes it",
            |x| {
                let order = Tensor::from_bytes(DType::U8, vec![3, 1], vec![2u8, 1, 0].into());
                let order = x.tape().constant(order.unwrap());
                let first = swapped(x, &[3, 1, 4, 4]);
                let turned = op(first, "GatherND", &[Some(order)], 0, &[3, 1, 4, 4]);
                swapped(turned, &[1, 3, 4, 4]) - each(x, CAFFE)
            },
            bytes,
            Some(Rgb),
        ),
        ("before", |x| slice(x - each(x, reversed(CAFFE))), bytes, Some(Rgb)),
        (
            "channel by channel",
            |x| split(x, [2, 1, 0], |x, c| x - number(x, CAFFE[2 - c])),
            bytes,
            Some(Rgb),
        ),
        ("bytes of 0 to 1", |x| slice(x) * number(x, 255.0) - each(x, CAFFE), unit, Some(Rgb)),
        (
            "transposed",
            |x| {
                let axes = [("perm", Attribute::Ints(vec![0, 2, 3, 1]))];
                let x = x.tape().op("Transpose", &[Some(x)], &axes, DType::F32, vec![1, 4, 4, 3]);
                x - x.tape().constant(Tensor::from_f32s(&[3], &CAFFE).unwrap())
            },
            bytes,
            Some(Bgr),
        ),
        (
            "kornia's: pixels in one row",
            |x| {
                let mean = x.tape().constant(Tensor::from_f32s(&[1, 3, 1], &MEAN).unwrap());
                let row = op(x, "Reshape", &[integers(x, &[1, 3, -1])], 0, &[1, 3, 16]) - mean;
                op(row, "Reshape", &[integers(x, &[1, 3, 4, 4])], 0, &[1, 3, 4, 4])
            },
            unit,
            Some(Rgb),
        ),
        (
            "torchvision's transform_input",
            |x| {
                split(x, [0, 1, 2], |x, c| {
                    x * number(x, STD[c] / 0.5) + number(x, (MEAN[c] - 0.5) / 0.5)
                })
            },
            imagenet,
            Some(Rgb),
        ),
        (
            "unnormalised",
            |x| x * each(x, reversed(STD)) + each(x, reversed(MEAN)),
            of_blue,
            Some(Bgr),
        ),
        ("of -1 .. 1", |x| (x + number(x, 1.0)) / number(x, 2.0), symmetric, None),
        (
            "the same, normalised",
            |x| normalised((x + number(x, 1.0)) / number(x, 2.0), MEAN, STD),
            symmetric,
            Some(Rgb),
        ),
        ("normalised bytes", |x| batch_norm(x, [118.0, 110.0, 99.0], 60.0), bytes, None),
        ("of blue", |x| batch_norm(x, [104.0, 116.0, 124.0], 60.0), bytes, Some(Bgr)),
        ("of 0 to 1", |x| batch_norm(x, [0.48, 0.45, 0.4], 0.22), unit, Some(Rgb)),
        ("dark bytes", |x| batch_norm(x / number(x, 255.0), [0.1, 0.09, 0.08], 0.1), bytes, None),
        ("quantised bytes", |x| quantize(x, 1.0), bytes, None),
        ("quantised 0 to 1", |x| quantize(x, 1.0 / 255.0), unit, None),
        ("quantised, Caffe's mean", |x| qdq(x, 1.0) - each(x, CAFFE), bytes, Some(Bgr)),
        ("quantised, unknown", |x| qdq(x, 1.0) * number(x, 0.5), bytes, None),
    ];
    for (name, model, (scale, mean, std), channels) in cases {
        let found = found(model);
        assert_eq!(said(&found), Some((*scale, *mean, *std, *channels)), "{name}");
        assert_eq!(found.note, None, "{name}");
    }
}

#[test]
fn what_is_not_known_is_said() {
    type Model = for<'g> fn(Var<'g>) -> Var<'g>;
    let bytes = Some((1.0, 0.0, 1.0, None));
    let (formula, order) = (Some("(1.3 x +0.7)"), Some("assumed is rgb"));
    let cases: [(&str, Model, _, Option<&str>); 8] = [
        ("nothing", |x| x, None, None),
        ("a relu", |x| x.relu(), None, None),
        ("times 1", |x| x * number(x, 1.0), None, None),
        ("normalised before", |x| batch_norm(x, [0.01, 0.02, -0.01], 1.1), None, None),
        ("fits nothing", |x| x * number(x, 1.3) + number(x, 0.7), None, formula),
        ("channels differ", |x| x * each(x, [2.0, 1.3, 0.004]), None, Some("(2 x +0; 1.3 x +0; ")),
        ("turned around", |x| gather(x), None, order),
        ("turned around, scaled", |x| slice(x) / number(x, 255.0), bytes, order),
    ];
    for (name, model, expected, note) in cases {
        let found = found(model);
        assert_eq!(said(&found), expected, "{name}");
        assert_eq!(found.note.is_some(), note.is_some(), "{name}");
        assert!(found.note.unwrap_or_default().contains(note.unwrap_or_default()), "{name}");
    }
}

#[test]
fn bytes_are_taken_as_they_are_and_other_sources_come_first() {
    let tape = Tape::new(Graph::new());
    let x = tape.input("picture", &[1, 3, 4, 4]);
    let (input, _) = (x.id(), gather(x) / number(x, 255.0));
    let graph = tape.into_graph().unwrap();
    let with = |settings| own_scaling(&graph, input, &[None; 4], &[Source::given(settings)]);
    let found = with(PartialPreprocess::default());
    assert!(found.source.is_some() && found.note.is_some());
    let mean = PartialPreprocess { mean: Some(vec![0.5]), ..PartialPreprocess::default() };
    assert_eq!(with(mean), OwnScaling::default());
    let bgr = PartialPreprocess { channels: Some(Bgr), ..PartialPreprocess::default() };
    let found = with(bgr);
    assert!(found.source.is_some() && found.note.is_none());
}
