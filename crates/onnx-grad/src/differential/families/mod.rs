//! Says how cases of each operator are drawn, a file for each family of operators.

mod broadcast;
mod contrib;
mod elementwise;
mod index;
mod layout;
mod linear;
mod losses;
mod made;
mod norm;
mod quantise;
mod reduce;
mod resize;
mod sampling;
mod sequence;
mod window;

use super::compare::Tolerance;
use super::draw::integers;
use crate::tensor::{DType, Tensor};

/// What float32 loses in a few operations.
const FEW: Tolerance = Tolerance { absolute: 1e-5, relative: 1e-4, of_largest: 0.0 };

/// What it loses in many operations, or where large numbers cancel.
const MANY: Tolerance = Tolerance { absolute: 1e-3, relative: 1e-3, of_largest: 1e-4 };

/// A step of quantisation: what lies between two may be rounded to either.
const STEPS: Tolerance = Tolerance { absolute: 1.0, relative: 0.0, of_largest: 0.0 };

/// A scalar of this type.
fn scalar(dtype: DType, value: i64) -> Tensor {
    integers(dtype, &[], &[value])
}

/// The operators without cases, and why.
const WITHOUT: &[(&str, &str)] = &[
    ("Bernoulli", "random"),
    ("CausalConvWithState", "ONNX Runtime 1.32 has none"),
    ("ConvInteger", "its result is of integers, here of floats"),
    ("LinearAttention", "ONNX Runtime 1.32 has none"),
    ("Multinomial", "random"),
    ("RandomNormal", "random"),
    ("RandomNormalLike", "random"),
    ("RandomUniform", "random"),
    ("RandomUniformLike", "random"),
    ("RoiAlign", "ONNX Runtime departs from the standard"),
    ("SwiGLU", "ONNX Runtime 1.32 has none"),
    ("com.microsoft.DynamicQuantizeMatMul", "its scales follow the input: a step is not a number"),
    ("com.microsoft.LayerNormalization", "ONNX Runtime 1.32 has none"),
    ("com.microsoft.SimplifiedLayerNormalization", "ONNX Runtime 1.32 has none"),
];

#[test]
fn every_operator_has_cases_or_a_reason() {
    let drawn = [
        broadcast::BROADCAST,
        contrib::FLOATS,
        contrib::QUANTISED,
        elementwise::UNARY,
        index::INDEX,
        layout::LAYOUT,
        linear::LINEAR,
        losses::LOSSES,
        made::MADE,
        norm::NORM,
        quantise::QUANTISE,
        quantise::ON_QUANTISED_NUMBERS,
        quantise::CAST,
        reduce::REDUCE,
        reduce::ALONG_AN_AXIS,
        resize::RESIZE,
        sampling::SAMPLING,
        sequence::RECURRENT,
        sequence::ATTENTION,
        window::CONVOLUTIONS,
        window::POOLING,
    ];
    let drawn = drawn.concat();
    let covered = |op: &str| {
        drawn.iter().any(|(name, _)| *name == op) || WITHOUT.iter().any(|(name, _)| *name == op)
    };
    let others: Vec<&str> =
        crate::supported().map(|(op, _)| op).filter(|op| !covered(op)).collect();
    assert_eq!(others, Vec::<&str>::new());
}
