//! What runs graphs. An engine's own types stay within its file.

mod find;
mod onnxruntime;
mod options;
mod rten;

use std::sync::Arc;

use ndarray::ArrayViewD;
use onnx_grad::{Graph, Tensor};

pub use options::{EngineChoice, EngineOptions, Memory, Provider};

use self::onnxruntime::OnnxRuntime;
use self::options::Resolved;
use self::rten::Rten;
use crate::Result;
use crate::array::Array;

/// What runs the graphs of one model, whose weights it keeps for them all.
pub(crate) trait Engine: Send + Sync {
    /// Its name and version, for people.
    fn name(&self) -> &str;

    /// Loads a graph.
    ///
    /// # Errors
    /// If the engine cannot run it.
    fn load(&self, graph: &Graph, runs: Runs) -> Result<Box<dyn Session>>;
}

/// How often a graph will be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runs {
    /// Once: loading it is most of the work. All its outputs are kept apart, also equal ones.
    Once,
    /// Often: it pays to optimise it.
    Often,
}

/// A graph ready to be run, from any number of threads.
pub(crate) trait Session: Send + Sync {
    /// Computes these outputs from these inputs.
    ///
    /// # Errors
    /// If the engine cannot.
    fn run(&self, inputs: &[(&str, ArrayViewD<'_, f32>)], outputs: &[&str]) -> Result<Vec<Array>>;
}

/// Weights, each with the name under which graphs refer to it.
pub(crate) type Weights = Vec<(String, Tensor)>;

/// Opens the engine that is asked for, to run one model.
///
/// # Errors
/// If it is not there, or lacks what is asked of it.
pub(crate) fn open(options: &EngineOptions, weights: Weights) -> Result<Arc<dyn Engine>> {
    let (library, required) = match options.resolve()? {
        Resolved::Rten => return Ok(Arc::new(Rten::new(options.threads, weights, None))),
        Resolved::OnnxRuntime { library, required } => (library, required),
    };
    match onnxruntime::load(&library, options.threads) {
        Ok(runtime) => Ok(Arc::new(OnnxRuntime::new(runtime, options, weights)?)),
        Err(e) if required => Err(e),
        Err(e) => Ok(Arc::new(Rten::new(options.threads, weights, Some(e)))),
    }
}
