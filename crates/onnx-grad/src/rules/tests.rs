//! Tests the table as a whole: its order, and every rule against finite differences.

use super::*;
use crate::testing::Case;
use std::collections::BTreeSet;

/// The operators that gradients are written in. They are ai.onnx's, and every engine has them.
#[rustfmt::skip]
const EMITTED: &[&str] = &[
    "Abs", "Add", "And", "AveragePool", "Cast", "Concat", "Conv", "ConvTranspose", "Cos",
    "Cosh", "CumSum", "Div", "Einsum", "Elu", "Equal", "Erf", "Exp", "Expand", "Floor", "Gather",
    "GatherElements", "GatherND", "Gelu", "Gemm", "Greater", "HardSigmoid", "Identity",
    "InstanceNormalization", "Less", "Log", "MatMul", "Max", "Min", "Mul", "Neg", "Or", "Pad",
    "Pow", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceProd", "ReduceSum",
    "Reshape", "Round", "ScatterElements", "ScatterND", "Sigmoid", "Sin", "Sinh", "Slice",
    "Softmax", "Split", "Softplus", "Sqrt", "Sub", "Tanh", "Transpose", "Trilu", "Where",
];

pub(crate) fn cases() -> Vec<Case> {
    [
        activation::cases(),
        attention::cases(),
        binary_elementwise::cases(),
        causal_conv::cases(),
        col2im::cases(),
        conv::cases(),
        cumulative::cases(),
        deform_conv::cases(),
        determinant::cases(),
        einsum::cases(),
        gather::cases(),
        grid_sample::cases(),
        layout::cases(),
        lp_pool::cases(),
        matmul::cases(),
        max_pool::cases(),
        norm::cases(),
        pooling::cases(),
        quantize::cases(),
        recurrent::cases(),
        reduce::cases(),
        resize::cases(),
        scatter::cases(),
        slice::cases(),
        softmax::cases(),
        top_k::cases(),
        unary_elementwise::cases(),
    ]
    .concat()
}

#[test]
fn the_table_is_sorted_without_duplicates() {
    assert!(RULES.is_sorted_by(|a, b| a.op < b.op));
}

#[test]
fn every_rule_has_a_case() {
    let tested: BTreeSet<&str> = cases().iter().map(|c| c.op).collect();
    let untested: Vec<_> = RULES
        .iter()
        .filter(|r| !matches!(r.kind, Kind::Stop) && !tested.contains(r.op))
        .map(|r| r.op)
        .collect();
    assert_eq!(untested, Vec::<&str>::new());
}

#[test]
fn every_emitted_operator_is_standard() {
    let emitted: BTreeSet<String> = cases().iter().flat_map(|c| c.emitted()).collect();
    let others: Vec<_> = emitted.iter().filter(|op| !EMITTED.contains(&op.as_str())).collect();
    assert_eq!(others, Vec::<&String>::new());
}

#[test]
fn no_rule_panics_on_malformed_nodes() {
    for case in cases() {
        case.survives_malformed_nodes();
    }
}

#[test]
fn every_rule_agrees_with_finite_differences() {
    for case in cases() {
        case.check();
    }
}
