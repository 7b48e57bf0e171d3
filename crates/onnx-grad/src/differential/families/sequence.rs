//! Recurrent layers, and attention with its embeddings.

use super::MANY;
use crate::Attribute;
use crate::differential::draw::{Draw, Numbers, integers};
use crate::differential::search::{Operator, search};
use crate::tensor::DType;
use crate::testing::{Case, case};

pub(super) const RECURRENT: &[Operator] = &[("GRU", gru), ("LSTM", lstm), ("RNN", rnn)];

#[test]
fn recurrent() {
    search(MANY, RECURRENT);
}

pub(super) const ATTENTION: &[Operator] = &[
    ("Attention", attention_of_heads),
    ("RotaryEmbedding", rotary),
    ("com.microsoft.Attention", projected),
    ("com.microsoft.BiasGelu", biased),
    ("com.microsoft.FastGelu", biased),
    ("com.microsoft.Gelu", alone),
    ("com.microsoft.MultiHeadAttention", multi_head),
    ("com.microsoft.QuickGelu", alone),
];

#[test]
fn attention() {
    search(MANY, ATTENTION);
}

/// A layer of so many gates; its inputs after the weights are the bias, lengths, the first state,
/// and others.
fn layer(op: &'static str, gates: usize, states: usize, d: &mut Draw) -> Case {
    let (steps, batch) = (d.int(1, 4) as usize, d.int(1, 3) as usize);
    let (features, hidden) = (d.int(1, 3) as usize, d.int(1, 3) as usize);
    let direction = d.of(&["forward", "reverse", "bidirectional"]);
    let directions = if direction == "bidirectional" { 2 } else { 1 };
    let draw = |case: Case, shape: &[usize], optional: bool, d: &mut Draw| {
        let x = d.floats(shape, Numbers::Plain);
        if optional { d.optional(case, x) } else { d.input(case, x) }
    };
    let x = d.floats(&[steps, batch, features], Numbers::Plain);
    let mut case = case(op).given(x).int("hidden_size", hidden as i64);
    case = draw(case, &[directions, gates * hidden, features], false, d);
    case = draw(case, &[directions, gates * hidden, hidden], false, d);
    case = draw(case, &[directions, 2 * gates * hidden], true, d);
    let lengths = d.integers(DType::I32, &[batch], 1, steps as i64);
    case = if d.rarely(3) { case.constant(lengths) } else { case.missing() };
    for _ in 0..states {
        case = draw(case, &[directions, batch, hidden], true, d);
    }
    if op == "LSTM" {
        case = draw(case, &[directions, 3 * hidden], true, d);
    }
    if direction != "forward" {
        case = case.string("direction", direction);
    }
    let outputs = d.int(1, 1 + states as i64) as usize;
    case.outputs(outputs)
}

/// May name the activations of a layer of one direction.
fn activated(case: Case, defaults: &[&str], d: &mut Draw) -> Case {
    if !d.rarely(3) {
        return case;
    }
    let names = defaults.iter().map(|default| match d.below(3) {
        0 => (*default).to_owned(),
        _ => d.of(&["Relu", "Tanh", "Sigmoid"]).to_owned(),
    });
    let names: Vec<String> = names.collect();
    case.attribute("activations", Attribute::Strings(names))
}

fn rnn(op: &'static str, d: &mut Draw) -> Case {
    let case = layer(op, 1, 1, d);
    activated(case, &["Tanh"], d)
}

fn lstm(op: &'static str, d: &mut Draw) -> Case {
    let case = layer(op, 4, 2, d);
    activated(case, &["Sigmoid", "Tanh", "Tanh"], d)
}

fn gru(op: &'static str, d: &mut Draw) -> Case {
    let case = layer(op, 3, 1, d);
    let case = activated(case, &["Sigmoid", "Tanh"], d);
    if d.flag() { case.int("linear_before_reset", d.int(0, 1)) } else { case }
}

fn attention_of_heads(op: &'static str, d: &mut Draw) -> Case {
    let (batch, shared, repeats) = (d.int(1, 2) as usize, d.int(1, 2) as usize, d.of(&[1, 1, 2]));
    let heads = shared * repeats;
    let (queries, keys, features) =
        (d.int(1, 4) as usize, d.int(1, 4) as usize, d.int(1, 4) as usize);
    let side_by_side = d.flag();
    let shape = |heads: usize, positions: usize| {
        if side_by_side {
            vec![batch, positions, heads * features]
        } else {
            vec![batch, heads, positions, features]
        }
    };
    let mut case = case(op);
    for (heads, positions) in [(heads, queries), (shared, keys), (shared, keys)] {
        let x = d.floats(&shape(heads, positions), Numbers::Plain);
        case = d.input(case, x);
    }
    let past = if d.rarely(4) { d.int(1, 3) as usize } else { 0 };
    let total = past + keys;
    let mask =
        [&[queries, total][..], &[1, queries, total], &[batch, heads, queries, total], &[1, total]];
    let mask = d.of(&mask[..3]);
    case = match d.below(3) {
        0 => case.missing(),
        1 => {
            let mask = d.floats(mask, Numbers::Plain);
            d.input(case, mask)
        }
        _ => case.constant(d.integers(DType::Bool, mask, 0, 1)),
    };
    if past > 0 {
        for _ in 0..2 {
            let x = d.floats(&[batch, shared, past, features], Numbers::Plain);
            case = d.input(case, x);
        }
    }
    if side_by_side {
        case = case.int("q_num_heads", heads as i64).int("kv_num_heads", shared as i64);
    }
    // With past keys, ONNX Runtime lets a single query attend to all.
    if (past == 0 || queries > 1) && d.rarely(3) {
        case = case.int("is_causal", 1);
    }
    if d.rarely(3) {
        case = case.float("scale", d.of(&[0.7, 1.0]));
    }
    if d.rarely(4) {
        case = case.float("softcap", 0.5);
    }
    if d.rarely(4) {
        // Not after the mask, where ONNX Runtime has the least float in place of minus infinity.
        let mode = d.of(&[0, 1, 3]);
        case = case.int("qk_matmul_output_mode", mode).outputs(4);
    }
    case.opset(d.of(&[23, 24]))
}

fn rotary(op: &'static str, d: &mut Draw) -> Case {
    let (batch, heads, positions, half) =
        (d.int(1, 2) as usize, d.int(1, 2) as usize, d.int(1, 3) as usize, d.int(1, 3) as usize);
    let (side_by_side, with_ids) = (d.flag(), d.flag());
    let more = d.of(&[0, 2]);
    let features = 2 * half + more;
    let separate = [batch, heads, positions, features];
    let shape = [batch, positions, heads * features];
    let x = d.floats(if side_by_side { &shape } else { &separate }, Numbers::Plain);
    let cache = if with_ids { vec![5, half] } else { vec![batch, positions, half] };
    let (cos, sin) = (d.floats(&cache, Numbers::Plain), d.floats(&cache, Numbers::Plain));
    let case = d.input(case(op), x);
    let case = d.input(case, cos);
    let mut case = d.input(case, sin).opset(23);
    if with_ids {
        case = case.constant(d.integers(DType::I64, &[batch, positions], 0, 4));
    }
    if side_by_side {
        case = case.int("num_heads", heads as i64);
    }
    if more > 0 {
        case = case.int("rotary_embedding_dim", 2 * half as i64);
    }
    if d.flag() { case.int("interleaved", d.int(0, 1)) } else { case }
}

fn projected(op: &'static str, d: &mut Draw) -> Case {
    let (heads, features) = (d.int(1, 2) as usize, d.int(1, 3) as usize);
    let (batch, positions, hidden) = (d.int(1, 2) as usize, d.int(1, 3) as usize, heads * features);
    let x = d.floats(&[batch, positions, hidden], Numbers::Plain);
    let (w, b) =
        (d.floats(&[hidden, 3 * hidden], Numbers::Plain), d.floats(&[3 * hidden], Numbers::Plain));
    let case = case(op).given(x).constant(w).constant(b).int("num_heads", heads as i64);
    let case = if d.rarely(3) { case.constant(lengths(batch, positions, d)) } else { case };
    if d.rarely(3) { case.float("scale", 0.7) } else { case }
}

fn lengths(batch: usize, positions: usize, d: &mut Draw) -> crate::Tensor {
    let counts: Vec<i64> = (0..batch).map(|_| d.int(1, positions as i64)).collect();
    integers(DType::I32, &[batch], &counts)
}

fn multi_head(op: &'static str, d: &mut Draw) -> Case {
    let (heads, features, batch) =
        (d.int(1, 2) as usize, d.int(1, 3) as usize, d.int(1, 2) as usize);
    let (queries, keys, hidden) = (d.int(1, 3) as usize, d.int(1, 3) as usize, heads * features);
    let mut case = case(op).int("num_heads", heads as i64);
    for positions in [queries, keys, keys] {
        let x = d.floats(&[batch, positions, hidden], Numbers::Plain);
        case = d.input(case, x);
    }
    let bias = d.floats(&[3 * hidden], Numbers::Plain);
    case = d.optional(case, bias);
    if d.rarely(3) {
        let mask = d.floats(&[batch, heads, queries, keys], Numbers::Plain);
        case = d.input(case.missing(), mask);
    }
    if d.rarely(3) { case.float("scale", 0.7) } else { case }
}

fn alone(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    case(op).given(d.floats(&shape, Numbers::Special))
}

fn biased(op: &'static str, d: &mut Draw) -> Case {
    let mut shape = d.shape(1, 3);
    let features = d.int(1, 5) as usize;
    shape.push(features);
    let (x, b) = (d.floats(&shape, Numbers::Special), d.floats(&[features], Numbers::Plain));
    d.input(case(op).given(x), b)
}
