//! Computes the pads that `auto_pad` stands for.

use super::conv::transposed_windows;
use super::view::NodeView;
use super::window::{kernel_shape, windows};
use crate::error::Result;

/// The pads that `auto_pad` stands for if they depend on the shapes, at the beginnings of all axes,
/// then at their ends. (If their sum is odd, engines differ in the side that gets more.)
///
/// # Errors
/// If the node's attributes contradict each other or its shapes.
pub(crate) fn implied_pads(n: &NodeView<'_>) -> Result<Option<Vec<i64>>> {
    if !n.string("auto_pad", "NOTSET").starts_with("SAME") {
        return Ok(None);
    }
    let kernel = || Ok(n.x(1)?.shape().into_iter().skip(2).collect::<Vec<usize>>());
    let windows = match n.node.op.as_str() {
        "Conv" => windows(n, &kernel()?)?,
        "ConvTranspose" => transposed_windows(n, &kernel()?)?,
        "AveragePool" | "LpPool" | "MaxPool" => windows(n, &kernel_shape(n)?)?,
        _ => return Ok(None),
    };
    let (begins, ends) = (windows.iter().map(|w| w.begin), windows.iter().map(|w| w.end));
    Ok(Some(begins.chain(ends).map(|pad| pad as i64).collect()))
}
