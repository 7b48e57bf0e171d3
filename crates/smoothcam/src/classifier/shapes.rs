//! The shapes of all values of a graph are learnt by running it once.

use ndarray::{ArrayD, IxDyn};
use onnx_grad::{Dim, Graph, Tensor, ValueId};

use crate::engine::{Engine, Runs};
use crate::error::unsupported;
use crate::{Error, Hint, Result};

/// Fixes the input's shape and learns all others.
///
/// # Errors
/// If the engine cannot run the model at this shape.
pub(crate) fn learn(
    graph: &mut Graph,
    engine: &dyn Engine,
    input: ValueId,
    shape: &[usize],
) -> Result<()> {
    let free = has_free_size(graph, input);
    graph.fix_input(input, shape);
    learn_from(graph, engine, &[input], &|e| {
        let size: Vec<String> = shape.iter().skip(1).map(usize::to_string).collect();
        let size = size.join("x");
        let pictures = match shape {
            [] | [1, ..] => format!("a picture of {size}"),
            [count, ..] => format!("{count} pictures of {size}"),
        };
        let error = Error::input(format!("the model does not run on {pictures}: {e}"));
        match e.hint() {
            _ if free => {
                let size = Hint::set("size", "224x320", "give the size that it was made for");
                error.with_hint(also(&e, size))
            }
            Some(hint) => error.with_hint(hint.clone()),
            None => error,
        }
    })
}

/// The way out of an engine's error, if it knows one, or this one.
pub(crate) fn also(error: &Error, hint: impl Into<Hint>) -> Hint {
    match error.hint() {
        Some(own) => own.clone().or(hint),
        None => hint.into(),
    }
}

/// Whether a graph leaves dimensions of its input open, that of the pictures left out of account.
pub(crate) fn has_free_size(graph: &Graph, input: ValueId) -> bool {
    let declared = graph.value(input).declared.as_deref();
    declared.is_none_or(|d| d.iter().skip(1).any(|d| matches!(d, Dim::Dynamic(_))))
}

/// Learns all shapes from those of the inputs by running the graph on zeros.
///
/// # Errors
/// If the engine cannot load the graph; or cannot run it, which is the error that `failed` makes.
pub(crate) fn learn_from(
    graph: &mut Graph,
    engine: &dyn Engine,
    inputs: &[ValueId],
    failed: &dyn Fn(Error) -> Error,
) -> Result<()> {
    let zeros = |id: &ValueId| {
        let shape = graph.shape(*id).unwrap_or_default();
        (graph.value(*id).name.clone(), ArrayD::<f32>::zeros(IxDyn(shape)))
    };
    let zeros: Vec<(String, ArrayD<f32>)> = inputs.iter().map(zeros).collect();
    // What one run shows can decide which branches the next one takes. Of what comes after these branches it shows
    // nothing.
    loop {
        let resolved = graph.control_flow_resolved();
        let probe = graph.probe();
        let of = |id: &ValueId| probe.graph.value(*id).name.as_str();
        let names: Vec<&str> = probe.graph.outputs().iter().map(of).collect();
        let session = engine.load(&probe.graph, Runs::Once).map_err(|e| {
            let hint = "export the model in standard ONNX operators, or with another opset";
            Error::input(e.to_string()).with_hint(also(&e, hint))
        })?;
        let inputs: Vec<_> = zeros.iter().map(|(name, x)| (name.as_str(), x.view())).collect();
        let outputs = session.run(&inputs, &names).map_err(failed)?;
        let facts: Option<Vec<Tensor>> = outputs.iter().map(|o| o.to_tensor()).collect();
        let facts =
            facts.ok_or_else(|| Error::failure("the engine returned a value of another type"))?;
        graph.apply_probe(&probe, &facts).map_err(unsupported)?;
        if resolved {
            return Ok(());
        }
    }
}
