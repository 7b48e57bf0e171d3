//! Which tokens are layers.

use onnx_grad::{Attribute, DType, Graph, Tape, Tensor, Var};

use crate::Explainer;
use crate::classifier::grid::Axes;

/// Weights of this shape, all different.
fn weights<'g>(x: Var<'g>, shape: &[usize]) -> Var<'g> {
    let count = shape.iter().product::<usize>();
    let weight = |i: usize| ((i * 37 + 11) % 64) as f32 / 64.0 - 0.45;
    let weights: Vec<f32> = (0..count).map(weight).collect();
    x.tape().constant(Tensor::from_f32s(shape, &weights).unwrap())
}

/// A convolution into four feature maps, in steps of `stride` pixels.
fn conv(x: Var<'_>, stride: usize) -> Var<'_> {
    let [b, c, h, w] = x.shape()[..] else { unreachable!() };
    let ints = |name, value: usize, count| (name, Attribute::Ints(vec![value as i64; count]));
    let attributes = [ints("strides", stride, 2), ints("pads", 0, 4), ints("dilations", 1, 2)];
    let inputs = [Some(x), Some(weights(x, &[4, c, stride, stride]))];
    x.tape().op("Conv", &inputs, &attributes, DType::F32, vec![b, 4, h / stride, w / stride])
}

/// Tokens of a convolution's places, behind a class token.
fn with_class_token(x: Var<'_>) -> Var<'_> {
    let x = conv(x, 3).sigmoid();
    let tokens = x.reshape(&[1, 4, 16]).transpose(&[0, 2, 1]);
    x.tape().concat(&[weights(x, &[1, 1, 4]), tokens], 1)
}

/// The columns of a convolution's maps, one after the other. There are as many as a grid of 3x3 and three tokens have.
fn columns(x: Var<'_>) -> Var<'_> {
    conv(x, 1).sigmoid().reduce("ReduceMean", &[2]).reshape(&[1, 4, 12]).transpose(&[0, 2, 1])
}

#[test]
fn tokens_are_layers_if_they_were_a_grid() {
    type Tokens = for<'g> fn(Var<'g>) -> Var<'g>;
    for (what, tokens, expected) in [
        ("a class token, and a head that is linear", with_class_token as Tokens, Some((4, 4))),
        ("columns, as in a line of text", columns, None),
    ] {
        let tape = Tape::new(Graph::new());
        let x = tokens(tape.input("picture", &[1, 3, 12, 12]));
        let x = x.matmul(weights(x, &[4, 4])).reduce("ReduceMean", &[1]).reshape(&[1, 4]);
        let scores = x.matmul(weights(x, &[4, 5])).id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[scores]);
        let explainer = Explainer::builder().model_bytes(graph.to_onnx()).build().unwrap();
        let of_tokens = explainer.layers().iter().filter(|l| matches!(l.axes, Axes::Tokens { .. }));
        let found = of_tokens.map(|l| (l.height, l.width)).next_back();
        assert_eq!(found, expected, "{what}");
    }
}
