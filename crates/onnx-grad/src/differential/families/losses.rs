//! Losses, and operators of few models.

use super::FEW;
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::tensor::DType;
use crate::testing::{Case, case};

pub(super) const LOSSES: &[Operator] =
    &[("Dropout", dropout), ("NegativeLogLikelihoodLoss", loss), ("SoftmaxCrossEntropyLoss", loss)];

#[test]
fn losses() {
    search(FEW, LOSSES);
}

fn loss(op: &'static str, d: &mut Draw) -> Case {
    let (batch, classes) = (d.int(1, 4) as usize, d.int(1, 4));
    let axes = d.below(3);
    let places: Vec<usize> = d.list(axes, 1, 3).into_iter().map(|s| s as usize).collect();
    let x = d.floats(&[&[batch, classes as usize], &places[..]].concat(), Numbers::Plain);
    let dtype = d.of(&[DType::I64, DType::I32]);
    let targets = d.integers(dtype, &[&[batch], &places[..]].concat(), 0, classes - 1);
    let weights = d.within(&[classes as usize], 0.1, 2.0);
    let case = case(op).given(x).constant(targets);
    let case = if d.flag() { case.constant(weights) } else { case };
    let case = if d.rarely(3) { case.int("ignore_index", d.int(0, classes - 1)) } else { case };
    if d.flag() { case.string("reduction", d.of(&["mean", "sum", "none"])) } else { case }
}

/// In inference, it does nothing.
fn dropout(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 3);
    let x = d.floats(&shape, Numbers::Special);
    let case = d.input(case(op), x);
    if d.flag() { case.scalar(0.3).opset(d.of(&[21, 13])) } else { case }
}
