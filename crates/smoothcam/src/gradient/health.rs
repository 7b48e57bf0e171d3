//! Says where a result that is not finite came from.

use ndarray::ArrayViewD;
use onnx_grad::{Graph, ValueId};

use crate::Error;
use crate::array::Array;
use crate::engine::{Engine, Runs};

/// The error for results that are not finite, which first came from `culprit`.
pub(crate) fn error(culprit: &str) -> Error {
    Error::input(format!("the model computes NaN or infinity, first in {culprit}"))
        .with_hint("check the weights and the preprocessing: the values may be far outside the range that the model was trained on")
}

/// The node, in words, that with these inputs makes the first value on the way to `output` that is
/// not finite, if there is one.
pub(crate) fn culprit(
    engine: &dyn Engine,
    graph: &Graph,
    inputs: &[(&str, ArrayViewD<'_, f32>)],
    output: ValueId,
) -> Option<String> {
    let check = graph.finite_check(output);
    let session = engine.load(&check.graph, Runs::Once).ok()?;
    let names: Vec<&str> =
        check.graph.outputs().iter().map(|o| check.graph.value(*o).name.as_str()).collect();
    let sums: Vec<f32> = session
        .run(inputs, &names)
        .ok()?
        .iter()
        .map(|o| match o {
            Array::Floats(a) => a.first().copied().unwrap_or(0.0),
            Array::Ints(_) => 0.0,
        })
        .collect();
    check.first_non_finite(graph, output, &sums)
}
