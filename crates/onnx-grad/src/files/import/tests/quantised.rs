//! Tests that operators on quantised numbers agree with those on floats.
//!
//! All numbers are multiples of the scale, so that rounding changes nothing.

use super::*;
use crate::Tape;

/// The scale of all inputs. Those of results are at most half as large.
const SCALE: f32 = 0.5;

fn bytes(name: &str, dims: &[i64], data: &[i32]) -> TensorProto {
    let (int32_data, dims) = (data.to_vec(), dims.to_vec());
    TensorProto { name: name.into(), dims, data_type: 2, int32_data, ..Default::default() }
}

fn signed(name: &str, dims: &[i64], data: &[i32]) -> TensorProto {
    TensorProto { data_type: 3, ..bytes(name, dims, data) }
}

fn scalar(name: &str, x: f32) -> TensorProto {
    TensorProto { dims: vec![], ..float_tensor(name, &[x]) }
}

/// Scales, zero points, and weights both quantised and as floats: a matrix and kernels. `result` is
/// the scale of results.
fn constants(result: f32) -> Vec<TensorProto> {
    let floats = |name: &str, dims: &[i64], data: &[f32]| {
        let dims = dims.to_vec();
        TensorProto { dims, ..float_tensor(name, data) }
    };
    let matrix = [1, -2, 3, 0, 2, -1];
    let of = |data: &[i32], scales: &[f32]| -> Vec<f32> {
        data.iter().enumerate().map(|(i, x)| *x as f32 * scales[i % scales.len()]).collect()
    };
    vec![
        scalar("s", SCALE),
        bytes("z", &[], &[128]),
        scalar("sy", result),
        bytes("zy", &[], &[100]),
        scalar("one", 1.0),
        // There is a scale for each column of the matrix.
        signed("m", &[2, 3], &matrix),
        float_tensor("sm", &[0.5, 1.0, 0.5]),
        signed("zm", &[3], &[0; 3]),
        floats("mf", &[2, 3], &of(&matrix, &[0.5, 1.0, 0.5])),
        // There is a scale for each kernel.
        signed("k", &[2, 1, 1, 2], &[1, 2, 3, -1]),
        float_tensor("sk", &[0.5, 1.0]),
        signed("zk", &[2], &[0; 2]),
        floats("kf", &[2, 1, 1, 2], &[0.5, 1.0, 3.0, -1.0]),
        TensorProto { data_type: 6, ..bytes("b", &[2], &[4, -2]) },
        float_tensor("bf", &[1.0, -1.0]),
        TensorProto { data_type: 6, ..bytes("bm", &[3], &[4, -2, 1]) },
        float_tensor("bmf", &[1.0, -1.0, 0.25]),
    ]
}

/// The output y of nodes from x to y, and the gradient of its sum.
fn run_and_differentiate(
    nodes: Vec<NodeProto>,
    result: f32,
    shape: &[usize],
    x: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let mut model = model(21, nodes, constants(result));
    let domain = "com.microsoft".to_owned();
    model.opset_import.push(OperatorSetIdProto { domain, version: 1 });
    let mut graph = read(&model).unwrap();
    let (input, y) = (graph.inputs()[0], graph.outputs()[0]);
    graph.fix_input(input, shape);
    infer_shapes(&mut graph);
    let tape = Tape::new(graph.decompose().unwrap());
    let ones = tape.scalar(1.0).expand(&tape.var(y).shape());
    let dx = crate::vjp(&tape, tape.var(y), ones, &[input]).remove(0).unwrap().unwrap().id();
    let mut graph = tape.into_graph().unwrap();
    graph.set_outputs(&[y, dx]);
    let found = run(&graph, &[(input, &Tensor::from_f32s(shape, x).unwrap())]);
    (found[0].to_f32s().unwrap(), found[1].to_f32s().unwrap())
}

fn contrib(op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto { domain: "com.microsoft".into(), ..node(op, inputs, &["r"], attributes) }
}

/// Checks nodes from the quantised "q" to "r" against an operator on floats from "x" to "y".
#[track_caller]
fn check(quantised: NodeProto, float: NodeProto, result: f32, shape: &[usize], x: &[f32]) {
    check_several(quantised, vec![float], result, shape, x);
}

/// The same for several operators on floats.
#[track_caller]
fn check_several(
    quantised: NodeProto,
    floats: Vec<NodeProto>,
    result: f32,
    shape: &[usize],
    x: &[f32],
) {
    let nodes = vec![
        node("QuantizeLinear", &["x", "s", "z"], &["q"], vec![]),
        quantised,
        node("DequantizeLinear", &["r", "sy", "zy"], &["y"], vec![]),
    ];
    let (y, dx) = run_and_differentiate(nodes, result, shape, x);
    let (expected, gradient) = run_and_differentiate(floats, result, shape, x);
    let close = |a: &[f32], b: &[f32], by: f32| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= by)
    };
    assert!(close(&y, &expected, 0.51 * result), "{y:?}, expected {expected:?}");
    assert!(close(&dx, &gradient, 1e-5), "{dx:?}, expected {gradient:?}");
}

const X: [f32; 8] = [0.5, -1.0, 1.5, 2.0, -0.5, 0.0, 1.0, -2.0];

#[test]
fn products_and_convolutions_agree_with_those_on_floats() {
    let inputs = ["q", "s", "z", "k", "sk", "zk", "sy", "zy", "b"];
    let pads = || vec![ints("kernel_shape", &[1, 2]), ints("pads", &[0, 1, 0, 0])];
    let conv = node("QLinearConv", &inputs, &["r"], pads());
    let on_floats = node("Conv", &["x", "kf", "bf"], &["y"], pads());
    // The bias of the second kernel has the scale 0.5.
    check(conv, on_floats, 0.25, &[1, 1, 2, 4], &X);

    let inputs = ["q", "s", "z", "m", "sm", "zm", "sy", "zy"];
    let product = node("QLinearMatMul", &inputs, &["r"], vec![]);
    check(product, node("MatMul", &["x", "mf"], &["y"], vec![]), 0.25, &[4, 2], &X);

    let inputs = ["q", "s", "z", "m", "sm", "zm", "bm", "sy", "zy"];
    let gemm = contrib("QGemm", &inputs, vec![float("alpha", 1.0)]);
    check(gemm, node("Gemm", &["x", "mf", "bmf"], &["y"], vec![]), 0.25, &[4, 2], &X);
}

#[test]
fn elementwise_operators_and_pooling_agree_with_those_on_floats() {
    let shape = [1, 2, 2, 2];
    let two = ["q", "s", "z", "q", "s", "z", "sy", "zy"];
    check(
        contrib("QLinearAdd", &two, vec![]),
        node("Add", &["x", "x"], &["y"], vec![]),
        0.25,
        &shape,
        &X,
    );
    check(
        contrib("QLinearMul", &two, vec![]),
        node("Mul", &["x", "x"], &["y"], vec![]),
        0.25,
        &shape,
        &X,
    );
    let joined = ["sy", "zy", "q", "s", "z", "q", "s", "z"];
    let concat = contrib("QLinearConcat", &joined, vec![int("axis", 1)]);
    check(concat, node("Concat", &["x", "x"], &["y"], vec![int("axis", 1)]), 0.25, &shape, &X);

    let one = ["q", "s", "z", "sy", "zy"];
    let plain = |op| node(op, &["x"], &["y"], vec![]);
    let pool = contrib("QLinearGlobalAveragePool", &one, vec![int("channels_last", 0)]);
    check(pool, plain("GlobalAveragePool"), 0.125, &shape, &X);
    let window = || vec![ints("kernel_shape", &[1, 2])];
    let pool = contrib("QLinearAveragePool", &one, window());
    check(pool, node("AveragePool", &["x"], &["y"], window()), 0.25, &shape, &X);
    check(contrib("QLinearSigmoid", &one, vec![]), plain("Sigmoid"), 1.0 / 128.0, &shape, &X);
    let slope = || vec![float("alpha", 0.5)];
    let leaky = contrib("QLinearLeakyRelu", &one, slope());
    check(leaky, node("LeakyRelu", &["x"], &["y"], slope()), 0.25, &shape, &X);
    let last = || vec![int("axis", -1), int("opset", 13)];
    let softmax = contrib("QLinearSoftmax", &one, last());
    check(softmax, node("Softmax", &["x"], &["y"], vec![]), 1.0 / 128.0, &shape, &X);
}

#[test]
fn channels_may_be_last() {
    let with = |own: Vec<AttributeProto>| [own, vec![int("channels_last", 1)]].concat();
    let between = |op: NodeProto| {
        let transpose =
            |x: &str, y: &str, perm| node("Transpose", &[x], &[y], vec![ints("perm", perm)]);
        vec![transpose("x", "first", &[0, 3, 1, 2]), op, transpose("last", "y", &[0, 2, 3, 1])]
    };
    let inputs = ["q", "s", "z", "k", "sk", "zk", "sy", "zy", "b"];
    let pads = || vec![ints("kernel_shape", &[1, 2]), ints("pads", &[0, 1, 0, 0])];
    let conv = contrib("QLinearConv", &inputs, with(pads()));
    let on_floats = node("Conv", &["first", "kf", "bf"], &["last"], pads());
    check_several(conv, between(on_floats), 0.25, &[1, 2, 4, 1], &X);

    let one = ["q", "s", "z", "sy", "zy"];
    let window = || vec![ints("kernel_shape", &[1, 2])];
    let pool = contrib("QLinearAveragePool", &one, with(window()));
    let on_floats = node("AveragePool", &["first"], &["last"], window());
    check_several(pool, between(on_floats), 0.25, &[1, 2, 2, 2], &X);
    let pool = contrib("QLinearGlobalAveragePool", &one, with(vec![]));
    let on_floats = node("GlobalAveragePool", &["first"], &["last"], vec![]);
    check_several(pool, between(on_floats), 0.125, &[1, 2, 2, 2], &X);
}

#[test]
fn operators_that_move_quantised_numbers_move_gradients() {
    // The last element is beyond the range, so it is clamped; it is not the largest of its window.
    let x = [0.5, -1.0, 1.5, 2.0, -0.5, 0.0, 1.0, -200.0];
    let window = || vec![ints("kernel_shape", &[1, 2]), ints("strides", &[1, 2])];
    let nodes = vec![
        node("QuantizeLinear", &["x", "s", "z"], &["q"], vec![]),
        node("Transpose", &["q"], &["t"], vec![ints("perm", &[0, 2, 1, 3])]),
        node("MaxPool", &["t"], &["r"], window()),
        node("DequantizeLinear", &["r", "s", "z"], &["y"], vec![]),
    ];
    let (y, dx) = run_and_differentiate(nodes, SCALE, &[1, 2, 1, 4], &x);
    assert_eq!(y, [0.5, 2.0, 0.0, 1.0]);
    assert_eq!(dx, [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn weights_of_four_bits_are_unpacked() {
    // Two columns of 3 numbers, in blocks of two.
    let packed = bytes("p", &[2, 2, 1], &[0x9a, 0x07, 0x18, 0x0f]);
    let scales = TensorProto { dims: vec![2, 2], ..float_tensor("sp", &[0.5, 1.0, 2.0, 0.25]) };
    let zeros = bytes("zp", &[2, 1], &[0x79, 0x88]);
    let attributes = || vec![int("K", 3), int("N", 2), int("bits", 4), int("block_size", 2)];
    let run = |inputs: &[&str]| {
        let product = contrib("MatMulNBits", inputs, attributes());
        let product = NodeProto { output: text(&["y"]), ..product };
        let constants = vec![packed.clone(), scales.clone(), zeros.clone()];
        run_on(&model(21, vec![product], constants), &[3, 3], &[1., 0., 0., 0., 1., 0., 0., 0., 1.])
    };
    // The columns are 10, 9, 7 and 8, 1, 15. The zero points are 8, or 9, 7 and 8, 8 for each
    // block.
    assert_eq!(run(&["x", "p", "sp"]), [1.0, 0.0, 0.5, -14.0, -1.0, 1.75]);
    assert_eq!(run(&["x", "p", "sp", "zp"]), [0.5, 0.0, 0.0, -14.0, 0.0, 1.75]);
}

#[test]
fn several_readers_share_the_floats_of_a_value() {
    let inputs = ["q", "s", "z", "q", "s", "z", "s", "z"];
    let nodes = vec![
        node("QuantizeLinear", &["x", "s", "z"], &["q"], vec![]),
        contrib("QLinearAdd", &inputs, vec![]),
        node("DequantizeLinear", &["q", "s", "z"], &["f"], vec![]),
        node("DequantizeLinear", &["r", "s", "z"], &["g"], vec![]),
        node("Add", &["f", "g"], &["y"], vec![]),
    ];
    let (y, dx) = run_and_differentiate(nodes.clone(), SCALE, &[2], &[1.0, -1.5]);
    assert_eq!((y, dx), (vec![3.0, -4.5], vec![3.0, 3.0]));
    let graph = read(&model(21, nodes, constants(SCALE))).unwrap();
    let f = graph.find("f").unwrap();
    assert_eq!(graph.nodes().filter(|(_, n)| n.inputs.contains(&Some(f))).count(), 2);
}

#[test]
fn clamped_values_have_a_gradient_only_if_they_are_scores() {
    let quantise = node("QuantizeLinear", &["x", "s", "z"], &["q"], vec![]);
    let dequantise = |to| node("DequantizeLinear", &["q", "s", "z"], &[to], vec![]);
    let (y, dx) =
        run_and_differentiate(vec![quantise.clone(), dequantise("y")], SCALE, &[2], &[1.0, 200.0]);
    assert_eq!((y, dx), (vec![1.0, 63.5], vec![1.0, 1.0]));
    let unsigned = node("QuantizeLinear", &["x", "s"], &["q"], vec![]);
    let from_zero = node("DequantizeLinear", &["q", "s"], &["y"], vec![]);
    let (y, dx) = run_and_differentiate(vec![unsigned, from_zero], SCALE, &[2], &[1.0, -2.0]);
    assert_eq!((y, dx), (vec![1.0, 0.0], vec![1.0, 1.0]));

    let twice = node("Add", &["f", "f"], &["y"], vec![]);
    let nodes = vec![quantise, dequantise("f"), twice];
    let (y, dx) = run_and_differentiate(nodes, SCALE, &[2], &[1.0, 200.0]);
    assert_eq!((y, dx), (vec![2.0, 127.0], vec![2.0, 0.0]));
}

#[test]
fn scales_that_depend_on_the_input_are_differentiated_as_constants() {
    // The range from -64 to 63.5 has 255 steps, so that the scale is 0.5 and the zero point 128.
    let x = [-64.0, 63.5, 1.0, 2.0, 0.5, -3.0];
    let quantise = || node("DynamicQuantizeLinear", &["x"], &["q", "sx", "zx"], vec![]);
    let rest = || {
        vec![
            node("Cast", &["i"], &["f"], vec![int("to", 1)]),
            node("Mul", &["f", "sx"], &["y"], vec![]),
        ]
    };
    let product = node("MatMulInteger", &["q", "m", "zx", "zm"], &["i"], vec![]);
    let nodes = [vec![quantise(), product], rest()].concat();
    let (y, dx) = run_and_differentiate(nodes, SCALE, &[3, 2], &x);
    // The rows [-64, 63.5], [1, 2] and [0.5, -3] times [[1, -2, 3], [0, 2, -1]].
    assert_eq!(y, [-64.0, 255.0, -255.5, 1.0, 2.0, 1.0, 0.5, -7.0, 4.5]);
    assert_eq!(dx, [2.0, 1.0, 2.0, 1.0, 2.0, 1.0]);

    let product = ["x", "m", "sm", "zm", "bmf"];
    let product =
        NodeProto { output: text(&["y"]), ..contrib("DynamicQuantizeMatMul", &product, vec![]) };
    let (y, same) = run_and_differentiate(vec![product], SCALE, &[3, 2], &x);
    let expected = [-31.0, 254.0, -127.5, 1.5, 1.0, 0.75, 1.25, -8.0, 2.5];
    assert_eq!((y, same), (expected.to_vec(), [0.0, 1.5, 0.0, 1.5, 0.0, 1.5].to_vec()));
    let product = ["q", "m", "sx", "sm", "zx", "zm"];
    let product =
        NodeProto { output: text(&["y"]), ..contrib("MatMulIntegerToFloat", &product, vec![]) };
    let (y, same) = run_and_differentiate(vec![quantise(), product], SCALE, &[3, 2], &x);
    assert_eq!(y[..2], [-32.0, 255.0]);
    assert_eq!(same, [0.0, 1.5, 0.0, 1.5, 0.0, 1.5]);

    let conv = node("ConvInteger", &["q", "k", "zx"], &["i"], vec![]);
    let nodes = [vec![quantise(), conv], rest()].concat();
    let (y, dx) = run_and_differentiate(nodes, SCALE, &[1, 1, 2, 3], &x);
    assert_eq!(y, [63.0, 65.5, 3.0, -5.5, -255.5, 189.5, 5.5, 4.5]);
    assert_eq!(dx, [4.0, 5.0, 1.0, 4.0, 5.0, 1.0]);
}
