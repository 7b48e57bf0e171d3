//! The shapes of all values of a graph are learnt by running it once.

use ndarray::{ArrayD, IxDyn};
use onnx_grad::{Dim, Graph, Tensor, ValueId};

use crate::engine::{Engine, Memory, Runs};
use crate::error::unsupported;
use crate::{Error, Hint, Result};

/// Fixes the input's shape and learns all others.
///
/// # Errors
/// If the engine cannot run the model at this shape.
pub(crate) fn learn(
    graph: &mut Graph,
    engine: &dyn Engine,
    memory: Option<Memory>,
    input: ValueId,
    shape: &[usize],
) -> Result<()> {
    let free = has_free_size(graph, input);
    graph.fix_input(input, shape);
    learn_from(graph, engine, memory, &[input], &|e| {
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
/// If a run would take more memory than allowed, or than there is; if the engine cannot load the graph; or cannot run
/// it, which is the error that `failed` makes.
pub(crate) fn learn_from(
    graph: &mut Graph,
    engine: &dyn Engine,
    memory: Option<Memory>,
    inputs: &[ValueId],
    failed: &dyn Fn(Error) -> Error,
) -> Result<()> {
    let mut run = |graph: &mut Graph| {
        let zeros = |id: &ValueId| {
            let shape = graph.shape(*id).unwrap_or_default();
            (graph.value(*id).name.clone(), ArrayD::<f32>::zeros(IxDyn(shape)))
        };
        let zeros: Vec<(String, ArrayD<f32>)> = inputs.iter().map(zeros).collect();
        let probe = graph.probe();
        let of = |id: &ValueId| probe.graph.value(*id).name.as_str();
        let names: Vec<&str> = probe.graph.outputs().iter().map(of).collect();
        let session = engine.load(&probe.graph, Runs::Once).map_err(|e| {
            let hint = "export the model in standard ONNX operators, or with another opset";
            Error::input(e.to_string()).with_hint(also(&e, hint))
        })?;
        let fed = |name: &&(String, ArrayD<f32>)| probe.graph.find(&name.0).is_some();
        let inputs: Vec<_> =
            zeros.iter().filter(fed).map(|(name, x)| (name.as_str(), x.view())).collect();
        let outputs = session.run(&inputs, &names).map_err(failed)?;
        let facts: Option<Vec<Tensor>> = outputs.iter().map(|o| o.to_tensor()).collect();
        let facts =
            facts.ok_or_else(|| Error::failure("the engine returned a value of another type"))?;
        graph.apply_probe(&probe, &facts).map_err(unsupported)
    };
    // What one run shows can decide which branches the next one takes. Of what comes after these branches it shows
    // nothing.
    loop {
        foresee(graph, memory, &mut run)?;
        let resolved = graph.control_flow_resolved();
        run(graph)?;
        if resolved {
            return Ok(());
        }
    }
}

/// Checks how much memory a run will take. What decides on the sizes of values and is computed in a way that cannot be
/// foreseen is computed first, alone.
///
/// # Errors
/// If it is more than allowed, or than there is; or if sizes depend on the content of an input.
fn foresee(
    graph: &mut Graph,
    memory: Option<Memory>,
    run: &mut dyn FnMut(&mut Graph) -> Result<()>,
) -> Result<()> {
    let limit = memory.unwrap_or_else(Memory::available);
    let mut before = vec![];
    loop {
        graph.check_memory(limit.0).map_err(|e| {
            unsupported(e).with_hint(Hint::set("memory", "SIZE", "allow more, if there is as much"))
        })?;
        let open = graph.unforeseen();
        if open.is_empty() {
            return Ok(());
        }
        if open == before {
            let of_picture = graph.dependents(graph.inputs(), &[]);
            let mut open = open.iter().filter(|v| of_picture[v.index()]);
            return open.next().map_or(Ok(()), |v| {
                Err(Error::input(format!(
                    "the sizes of the model's values depend on the content of an input: on '{}'",
                    graph.value(*v).name
                )))
            });
        }
        let outputs = graph.outputs().to_vec();
        graph.set_outputs(&open);
        let learnt = run(graph);
        graph.set_outputs(&outputs);
        learnt?;
        before = open;
    }
}

#[cfg(test)]
mod tests {
    use onnx_grad::{Attribute, DType, Tape, Tensor, Var};

    use super::*;
    use crate::{EngineChoice, EngineOptions, Explainer};

    /// A classifier that adds the mean of so many zeros to its features.
    fn with_zeros(size: impl for<'g> Fn(Var<'g>) -> Var<'g>) -> Result<Explainer> {
        let tape = Tape::new(Graph::new());
        let x = tape.input("picture", &[1, 3, 8, 8]);
        let weights: Vec<f32> = (0..24).map(|i| (i as f32 - 11.0) / 12.0).collect();
        let kernels = tape.constant(Tensor::from_f32s(&[8, 3, 1, 1], &weights).unwrap());
        let features =
            tape.op("Conv", &[Some(x), Some(kernels)], &[], DType::F32, vec![1, 8, 8, 8]);
        let to = |dtype: DType| [("to", Attribute::Int(dtype as i64))];
        let size = size(features).reshape(&[1]);
        let size = tape.op("Cast", &[Some(size)], &to(DType::I64), DType::I64, vec![1]);
        let zeros = tape.op("ConstantOfShape", &[Some(size)], &[], DType::F32, vec![1]);
        let score = features.relu() + zeros.reduce("ReduceMean", &[0]).reshape(&[1]);
        let score = score.reduce("ReduceMean", &[2, 3]).reshape(&[1, 8]).id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[score]);
        let engine = EngineOptions {
            choice: EngineChoice::Rten,
            memory: Some(Memory(1_000_000_000)),
            ..EngineOptions::default()
        };
        Explainer::builder().model_bytes(graph.to_onnx()).engine(engine).build()
    }

    #[test]
    fn sizes_are_known_before_they_are_run() {
        // A Sigmoid is not foreseen, so that it is run.
        fn of(x: Var<'_>, size: f32) -> Var<'_> {
            x.tape().scalar(0.0).sigmoid() * (2.0 * size)
        }
        assert!(with_zeros(|x| of(x, 20.0)).is_ok());
        let error = with_zeros(|x| of(x, 1e12)).err().unwrap();
        assert!(error.to_string().contains("ConstantOfShape"), "{error}");
        assert!(error.hint().is_some());
        let error = with_zeros(|x| x.reduce("ReduceMax", &[0, 1, 2, 3]).exp()).err().unwrap();
        assert!(error.to_string().contains("the content of an input"), "{error}");
    }
}
