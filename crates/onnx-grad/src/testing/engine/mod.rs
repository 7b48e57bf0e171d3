//! Runs graphs on a real engine.
//!
//! That is rten, or ONNX Runtime if the environment variable `SMOOTHCAM_ENGINE` is `onnxruntime`;
//! `ORT_DYLIB_PATH` then names its library, or the folder of that.

mod onnxruntime;
mod rten;

use crate::graph::{Graph, ValueId};
use crate::tensor::Tensor;

/// The engines that tests run graphs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Rten,
    OnnxRuntime,
}

/// Whether an engine may rewrite a graph before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Optimised {
    No,
    Yes,
}

impl Engine {
    /// The engine that the environment chooses.
    pub(crate) fn chosen() -> Engine {
        match std::env::var("SMOOTHCAM_ENGINE").as_deref() {
            Ok("onnxruntime") => Engine::OnnxRuntime,
            _ => Engine::Rten,
        }
    }

    /// Whether the engine can run: ONNX Runtime only if the environment says where it is.
    pub(crate) fn is_there(self) -> bool {
        self == Engine::Rten || std::env::var("ORT_DYLIB_PATH").is_ok()
    }

    /// Runs a graph on its float inputs, and returns its outputs.
    ///
    /// # Errors
    /// What the engine says if it does not run the graph.
    pub(crate) fn run(
        self,
        graph: &Graph,
        optimised: Optimised,
        inputs: &[(ValueId, &Tensor)],
    ) -> Result<Vec<Tensor>, String> {
        let name = |id: &ValueId| graph.value(*id).name.as_str();
        let inputs: Vec<_> = inputs.iter().map(|(id, x)| (name(id), *x)).collect();
        let outputs: Vec<_> = graph.outputs().iter().map(name).collect();
        self.run_model(graph.to_onnx(), optimised, &inputs, &outputs)
    }

    /// Runs the bytes of a model on its float inputs, and returns these outputs.
    ///
    /// # Errors
    /// What the engine says if it does not run the model.
    pub(crate) fn run_model(
        self,
        model: Vec<u8>,
        optimised: Optimised,
        inputs: &[(&str, &Tensor)],
        outputs: &[&str],
    ) -> Result<Vec<Tensor>, String> {
        match self {
            // ONNX Runtime refuses graphs without nodes.
            _ if outputs.is_empty() => Ok(vec![]),
            Engine::Rten => rten::run(model, optimised, inputs, outputs),
            Engine::OnnxRuntime => onnxruntime::run(&model, optimised, inputs, outputs),
        }
    }
}

/// Whether the chosen engine is rten.
pub(crate) fn is_rten() -> bool {
    Engine::chosen() == Engine::Rten
}

/// Runs a graph as it is on its float inputs, on the chosen engine, and returns its outputs.
pub(crate) fn run(graph: &Graph, inputs: &[(ValueId, &Tensor)]) -> Vec<Tensor> {
    // The optimiser would merge equal outputs, such as the shapes that a probe outputs.
    Engine::chosen().run(graph, Optimised::No, inputs).unwrap_or_else(|e| panic!("{e}"))
}

/// A tensor of integers, of any type that holds few bits.
fn ints(shape: &[usize], data: impl IntoIterator<Item = impl Into<i64>>) -> Tensor {
    let bytes: Vec<u8> = data.into_iter().flat_map(|i| i.into().to_le_bytes()).collect();
    Tensor::from_bytes(crate::DType::I64, shape.to_vec(), bytes.into()).expect("it fits")
}
