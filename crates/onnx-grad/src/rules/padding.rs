//! Computes the pads that `auto_pad` and `ceil_mode` stand for.

use super::conv::transposed_windows;
use super::view::NodeView;
use super::window::{Window, kernel_shape, windows};
use crate::error::Result;

/// The pads that `auto_pad` or `ceil_mode` stands for if they depend on the shapes, at the beginnings
/// of all axes, then at their ends. With them, the node has neither. (If the sum of pads is odd,
/// engines differ in the side that gets more. With `ceil_mode`, ONNX Runtime takes windows that lie
/// in padding alone for elements of the output's shape, but not of the output.)
///
/// # Errors
/// If the node's attributes contradict each other or its shapes.
pub(crate) fn implied_pads(n: &NodeView<'_>) -> Result<Option<Vec<i64>>> {
    let op = n.node.op.as_str();
    let same = n.string("auto_pad", "NOTSET").starts_with("SAME");
    // In a mean over padding, too, what is beyond the declared padding does not count.
    let pads_count = op == "AveragePool" && n.int("count_include_pad", 0) != 0;
    let rounds_up = n.int("ceil_mode", 0) != 0 && !pads_count;
    if !same && !rounds_up {
        return Ok(None);
    }
    let kernel = || Ok(n.x(1)?.shape().into_iter().skip(2).collect::<Vec<usize>>());
    let windows = match op {
        "Conv" => windows(n, &kernel()?)?,
        "ConvTranspose" => transposed_windows(n, &kernel()?)?,
        "AveragePool" | "LpPool" | "MaxPool" => windows(n, &kernel_shape(n)?)?,
        _ => return Ok(None),
    };
    let end = |w: &Window| if same { w.end } else { w.reach().saturating_sub(w.begin + w.input) };
    let (begins, ends) = (windows.iter().map(|w| w.begin), windows.iter().map(end));
    Ok(Some(begins.chain(ends).map(|pad| pad as i64).collect()))
}
