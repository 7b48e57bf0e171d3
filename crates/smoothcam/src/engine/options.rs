//! The engine options say which engine runs a model, and with what.

use std::path::PathBuf;
use std::str::FromStr;

use super::find;
use super::memory::Memory;
use super::provider::Provider;
use crate::{Error, Hint, Result};

/// Which engine runs a model, and with what. By default it is ONNX Runtime where that is found, else
/// the built-in rten.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// The engine.
    pub choice: EngineChoice,
    /// ONNX Runtime's library (`libonnxruntime.so` and the like), or a folder with it; `None` to look for it in the
    /// usual places.
    pub library: Option<PathBuf>,
    /// ONNX Runtime's execution providers, the preferred first; empty for the CPU.
    pub providers: Vec<Provider>,
    /// How many threads compute, 1 to 1024; `None` for one a core.
    pub threads: Option<usize>,
    /// About how much memory weights, passes and the results of an explanation may take; `None` for as much as they need.
    pub memory: Option<Memory>,
}

/// The engine that runs a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// The engine that the environment variable `SMOOTHCAM_ENGINE` names; without it ONNX Runtime
    /// where it is found, else rten.
    #[default]
    Auto,
    /// rten, which is built in.
    Rten,
    /// ONNX Runtime, which is loaded at run time.
    OnnxRuntime,
}

impl EngineChoice {
    /// All names, as [`FromStr`] reads them.
    pub fn names() -> [&'static str; 3] {
        ["auto", "rten", "onnxruntime"]
    }
}

impl FromStr for EngineChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "auto" => Ok(EngineChoice::Auto),
            "rten" => Ok(EngineChoice::Rten),
            "onnxruntime" => Ok(EngineChoice::OnnxRuntime),
            _ => Err(Error::input(format!("there is no engine '{name}'"))
                .with_hint(format!("choose from {}", Self::names().join(", ")))),
        }
    }
}

/// The most threads that may be used.
const MOST_THREADS: usize = 1024;

/// The engine that the options name, found.
pub(super) enum Resolved {
    Rten,
    /// ONNX Runtime.
    OnnxRuntime {
        /// The file of its library.
        library: PathBuf,
        /// Whether rten may not take its place if the library cannot be loaded.
        required: bool,
    },
}

impl EngineOptions {
    /// Finds the engine that the options name.
    ///
    /// # Errors
    /// If it is ONNX Runtime and not found, or the options contradict each other.
    pub(super) fn resolve(&self) -> Result<Resolved> {
        if !self.threads.is_none_or(|n| (1..=MOST_THREADS).contains(&n)) {
            return Err(Error::input(format!(
                "the number of threads is {}, expected 1 to {MOST_THREADS}",
                self.threads.unwrap_or(0)
            )));
        }
        let needs_onnxruntime = self.library.is_some() || !self.providers.is_empty();
        let choice = match self.choice {
            EngineChoice::Auto if needs_onnxruntime => EngineChoice::OnnxRuntime,
            EngineChoice::Auto => match std::env::var("SMOOTHCAM_ENGINE") {
                Ok(name) if !name.is_empty() => name
                    .parse()
                    .map_err(|e: Error| e.context("environment variable SMOOTHCAM_ENGINE"))?,
                _ => EngineChoice::Auto,
            },
            choice => choice,
        };
        let found = |library, required| Resolved::OnnxRuntime { library, required };
        match choice {
            EngineChoice::Rten if needs_onnxruntime => {
                let given = [
                    ("onnxruntime", self.library.is_some()),
                    ("provider", !self.providers.is_empty()),
                ];
                let given = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name);
                let other = Hint::set("engine", "onnxruntime", "use ONNX Runtime");
                Err(Error::input("rten has no library to load and no execution providers")
                    .with_hint(other.or(Hint::leave_out_all(&given.collect::<Vec<_>>()))))
            }
            EngineChoice::Rten => Ok(Resolved::Rten),
            EngineChoice::Auto => {
                Ok(find::library()?.map_or(Resolved::Rten, |library| found(library, false)))
            }
            EngineChoice::OnnxRuntime => {
                let library = match &self.library {
                    Some(path) => Some(find::within(path)?),
                    None => find::library()?,
                };
                library.map(|library| found(library, true)).ok_or_else(|| {
                    Error::input("ONNX Runtime's library is not found").with_hint(
                        Hint::advice("install it (pip install onnxruntime)")
                            .or(Hint::set("onnxruntime", "PATH", "say where it is"))
                            .or("name it in the environment variable ORT_DYLIB_PATH"),
                    )
                })
            }
        }
    }
}
