//! Says where a result that is not finite came from.

use ndarray::ArrayViewD;
use onnx_grad::Graph;

use crate::Error;
use crate::array::Array;
use crate::engine::Session;
use crate::printable::printable;

/// The error for an output that is not finite with these inputs: it names the node that made the
/// first such value.
pub(crate) fn diagnose(
    graph: &Graph,
    inputs: &[(&str, ArrayViewD<'_, f32>)],
    output: &str,
) -> Error {
    let culprit = culprit(graph, inputs, output);
    let culprit = culprit.unwrap_or_else(|| format!("value '{output}'"));
    Error::input(format!("the model computes NaN or infinity, first in {}", printable(&culprit)))
        .with_hint("check the weights and the preprocessing: the values may be far outside the range that the model was trained on")
}

fn culprit(graph: &Graph, inputs: &[(&str, ArrayViewD<'_, f32>)], output: &str) -> Option<String> {
    let output = graph.find(output)?;
    let check = graph.health_check(output);
    let session = Session::load(&check.graph, false).ok()?;
    let names: Vec<String> =
        check.graph.outputs().iter().map(|o| check.graph.value(*o).name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let sums: Vec<f32> = session
        .run(inputs, &names)
        .ok()?
        .iter()
        .map(|o| match o {
            Array::Floats(a) => a.first().copied().unwrap_or(0.0),
            Array::Ints(_) => 0.0,
        })
        .collect();
    check.culprit(graph, output, &sums)
}
