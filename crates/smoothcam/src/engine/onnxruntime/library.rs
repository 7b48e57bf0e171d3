//! ONNX Runtime's library is loaded once a process, with threads that all sessions share.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::{Environment, GlobalThreadPoolOptions};
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use crate::engine::traits::Runs;
use crate::printable::quoted;
use crate::{Error, Hint, Result};

/// The library, loaded. All its sessions share a pool of threads: pools of their own would wait actively and take each
/// other's cores.
#[derive(Clone)]
pub(in crate::engine) struct Library {
    path: PathBuf,
    environment: Environment,
    /// How many threads the sessions share; `None` for one a core.
    threads: Option<usize>,
    /// How many threads each session has to itself, in place of those.
    own_threads: Option<usize>,
}

/// The library that this process has loaded; there can only be one.
static LOADED: Mutex<Option<Library>> = Mutex::new(None);

impl Library {
    /// Loads the library at this path, unless it is loaded already, to compute with so many threads; `None` for one a
    /// core. The number that comes first is that of the shared threads; with any other, sessions get threads of their
    /// own.
    ///
    /// # Errors
    /// If the library cannot be loaded, or one at another path is.
    pub(in crate::engine) fn load(path: &Path, threads: Option<usize>) -> Result<Library> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = &*loaded {
            if library.path == path {
                let own_threads = threads.filter(|_| threads != library.threads);
                return Ok(Library { own_threads, ..library.clone() });
            }
            return Err(Error::input(format!(
                "ONNX Runtime is loaded from {} already, and cannot be loaded from {} too",
                quoted(&library.path),
                quoted(path)
            )));
        }
        let environment = environment(path, threads).map_err(|e| {
            Error::input(format!("cannot use ONNX Runtime at {}: {e}", quoted(path))).with_hint(
                Hint::advice("install version 1.18 or later (pip install -U onnxruntime)")
                    .or(Hint::set("engine", "rten", "use the built-in engine")),
            )
        })?;
        let library = Library { path: path.to_owned(), environment, threads, own_threads: None };
        *loaded = Some(library.clone());
        Ok(library)
    }

    /// The version that the library's file name ends in, such as that of `libonnxruntime.so.1.23.2`; empty if it has
    /// none.
    pub(super) fn version(&self) -> String {
        let file = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.trim_matches(|c: char| !c.is_ascii_digit()).to_owned()
    }

    /// Begins a session; `pack` lets it bring weights into an order in which it computes faster.
    ///
    /// # Errors
    /// If the library fails.
    pub(super) fn session(&self, runs: Runs, pack: bool) -> Result<SessionBuilder> {
        self.begin(runs, pack).map_err(|e| failure("cannot be set up", &e))
    }

    fn begin(&self, runs: Runs, pack: bool) -> ort::Result<SessionBuilder> {
        let level = match runs {
            Runs::Once => GraphOptimizationLevel::Disable,
            Runs::Often => GraphOptimizationLevel::All,
        };
        let builder = Session::builder(&self.environment)?
            .with_optimization_level(level)?
            .with_prepacking(pack)?;
        Ok(match self.own_threads {
            Some(threads) => builder
                .with_independent_thread_pool()?
                .with_intra_threads(threads)?
                .with_intra_op_spinning(false)?,
            None => builder,
        })
    }
}

fn environment(
    path: &Path,
    threads: Option<usize>,
) -> std::result::Result<Environment, Box<dyn std::error::Error>> {
    // This comes first: whatever else `ort` is asked for would load a library of its own choice.
    let builder = ort::init_from(path)?;
    // What matters comes back as an error.
    let quiet = Arc::new(|_: ort::logging::LogLevel, _: &str, _: &str, _: &str, _: &str| {});
    let pool = GlobalThreadPoolOptions::default();
    let pool = match threads {
        Some(threads) => pool.with_intra_threads(threads)?,
        None => pool,
    };
    let builder = builder.with_name("smoothcam").with_telemetry(false).with_logger(quiet);
    Ok(builder.with_global_thread_pool(pool).build()?)
}

/// The error of an engine that did something it should not have.
pub(super) fn failure(what: &str, error: &dyn Display) -> Error {
    Error::failure(format!("ONNX Runtime {what}: {error}"))
}
