//! Writes the gradient of a score at a layer, for copies of each picture.

use onnx_grad::{Tape, ValueId, Var, vjp};

use crate::classifier::grid::Grid;
use crate::error::unsupported;
use crate::{Error, Result};

/// The gradient of a score at a layer, (B, copies, K, h, w), for B times so many copies, with the
/// cotangent `dy` of the score.
///
/// # Errors
/// If an operator has no rule, or the score does not depend on the layer.
pub(super) fn gradient<'g>(
    tape: &'g Tape,
    score: Var<'g>,
    dy: Var<'g>,
    layer: ValueId,
    grid: Grid,
    copies: usize,
) -> Result<Var<'g>> {
    let gradient = vjp(tape, score, dy, &[layer]).pop().transpose().map_err(unsupported)?;
    let gradient =
        gradient.flatten().ok_or_else(|| Error::input("the scores do not depend on the layer"))?;
    tape.set_scope("saliency");
    let maps = grid.view(gradient);
    let mut shape = maps.shape();
    shape[0] /= copies;
    shape.insert(1, copies);
    Ok(maps.reshape(&shape))
}
