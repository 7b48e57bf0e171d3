//! Engines run graphs: rten, which is built in, and ONNX Runtime where it is found.

mod find;
mod memory;
mod onnxruntime;
mod options;
mod provider;
mod rten;
mod traits;

use std::sync::Arc;

pub use memory::Memory;
pub use options::{EngineChoice, EngineOptions};
pub use provider::Provider;
pub(crate) use traits::{Engine, Runs, Session, Weights};

use self::onnxruntime::OnnxRuntime;
use self::onnxruntime::library::Library;
use self::options::Resolved;
use self::rten::Rten;
use crate::Result;

/// Opens the engine that the options name, to run one model with these weights.
///
/// # Errors
/// If the engine is not found, or cannot do what the options say.
pub(crate) fn open(options: &EngineOptions, weights: Weights) -> Result<Arc<dyn Engine>> {
    let (path, required) = match options.resolve()? {
        Resolved::Rten => return Ok(Arc::new(Rten::new(options.threads, weights, None))),
        Resolved::OnnxRuntime { library, required } => (library, required),
    };
    match Library::load(&path, options.threads) {
        Ok(library) => Ok(Arc::new(OnnxRuntime::new(library, options, weights)?)),
        Err(e) if required => Err(e),
        Err(e) => Ok(Arc::new(Rten::new(options.threads, weights, Some(e)))),
    }
}
