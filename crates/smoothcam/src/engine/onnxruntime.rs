//! ONNX Runtime, loaded at run time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayD, ArrayViewD};
use onnx_grad::{Graph, ValueId};
use ort::environment::{Environment, GlobalThreadPoolOptions};
use ort::ep::{self, ExecutionProviderDispatch};
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{OutputSelector, RunOptions, Session as OrtSession, SessionInputValue};
use ort::value::{DynValue, Tensor, TensorElementType, TensorRef, ValueType};

use super::{Engine, EngineOptions, Provider, Runs, Session, Weights};
use crate::array::Array;
use crate::printable::quoted;
use crate::{Error, Result};

/// ONNX Runtime, with the weights of one model.
pub(super) struct OnnxRuntime {
    name: String,
    runtime: Runtime,
    providers: Vec<Provider>,
    weights: HashMap<String, Arc<DynValue>>,
}

/// The most weights (elements) of a graph that is run often of which it keeps copies.
const MOST_COPIED: usize = 50_000_000;

/// Operators that multiply matrices.
const PRODUCTS: [&str; 2] = ["Gemm", "MatMul"];

/// The library, loaded, with the threads that all sessions share, so that those of one do not wait
/// actively while another works.
#[derive(Clone)]
pub(super) struct Runtime {
    path: PathBuf,
    environment: Environment,
    /// How many threads the sessions share; `None` for one a core.
    threads: Option<usize>,
    /// How many threads each session has of its own, in place of those.
    own_threads: Option<usize>,
}

/// What this process has loaded: it can only be one.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

impl OnnxRuntime {
    /// An engine with these weights.
    ///
    /// # Errors
    /// If the library cannot take them.
    pub(super) fn new(
        runtime: Runtime,
        options: &EngineOptions,
        weights: Weights,
    ) -> Result<OnnxRuntime> {
        let mut kept = HashMap::new();
        for (name, tensor) in weights {
            let shape: Vec<i64> = tensor.shape().iter().map(|d| *d as i64).collect();
            let floats = tensor.to_f32s().unwrap_or_default();
            drop(tensor);
            let value =
                Tensor::from_array((shape, floats)).map_err(|e| failure("has no room", &e))?;
            kept.insert(name, Arc::new(value.into_dyn()));
        }
        let on = match options.providers.as_slice() {
            [] => String::new(),
            providers => {
                format!(" ({})", providers.iter().map(|p| p.name()).collect::<Vec<_>>().join(", "))
            }
        };
        Ok(OnnxRuntime {
            name: format!("ONNX Runtime {}{on}", version(&runtime.path))
                .replace("  ", " ")
                .trim_end()
                .to_owned(),
            runtime,
            providers: options.providers.clone(),
            weights: kept,
        })
    }

    fn builder(&self, runs: Runs, pack: bool) -> ort::Result<SessionBuilder> {
        let level = match runs {
            Runs::Once => GraphOptimizationLevel::Disable,
            Runs::Often => GraphOptimizationLevel::All,
        };
        let builder = OrtSession::builder(&self.runtime.environment)?
            .with_optimization_level(level)?
            .with_prepacking(pack)?;
        Ok(match self.runtime.own_threads {
            Some(threads) => builder
                .with_independent_thread_pool()?
                .with_intra_threads(threads)?
                .with_intra_op_spinning(false)?,
            None => builder,
        })
    }

    /// Loads a graph, to which some of its weights are given with each run. Of the others the
    /// session takes copies, in the order in which it multiplies them.
    fn commit(&self, mut graph: Graph, runs: Runs, given: &[ValueId]) -> Result<Loaded> {
        let pack = runs == Runs::Often && given.is_empty();
        let mut builder = self.builder(runs, pack).map_err(|e| failure("cannot be set up", &e))?;
        for provider in &self.providers {
            builder = builder.with_execution_providers([dispatch(*provider)]).map_err(|e| {
                Error::input(format!(
                    "ONNX Runtime cannot use the execution provider '{}': {e}",
                    provider.name()
                ))
                .with_hint("a library that is built for it is needed; --provider cpu always works")
            })?;
        }
        let mut fed = Vec::new();
        for (id, taken_as) in weights(&graph) {
            let weight = self.weights.get(taken_as).cloned();
            let weight = weight.ok_or_else(|| Error::failure("a weight was lost"))?;
            let name = &graph.value(id).name;
            if given.contains(&id) {
                fed.push((name.clone(), weight));
                continue;
            }
            builder = builder
                .with_external_initializer(name, weight)
                .map_err(|e| failure("cannot take a weight", &e))?;
        }
        graph.weights_to_inputs(given);
        let session = builder
            .commit_from_memory(&graph.to_onnx())
            .map_err(|e| failure("cannot load the model", &e))?;
        Ok(Loaded { session: Mutex::new(session), fed })
    }

    /// Which weights are given with each run, and need no copy: all of them if the graph runs
    /// once; and where there are so many that reading them takes longer than to bring them in
    /// order, those of matrix products.
    fn given(&self, graph: &Graph, runs: Runs) -> Vec<ValueId> {
        let elements = |id| graph.shape(id).unwrap_or_default().iter().product::<usize>();
        let many = || weights(graph).map(|(id, _)| elements(id)).sum::<usize>() > MOST_COPIED;
        let on_cpu = self.providers.iter().all(|p| *p == Provider::Cpu);
        let others: Vec<ValueId> = match runs {
            Runs::Once => Vec::new(),
            Runs::Often if on_cpu && many() => {
                let nodes = graph.nodes().map(|(_, n)| n);
                let others = nodes.filter(|n| !PRODUCTS.contains(&n.op.as_str()));
                others.flat_map(|n| n.inputs.iter().flatten().copied()).collect()
            }
            Runs::Often => return Vec::new(),
        };
        weights(graph).map(|(id, _)| id).filter(|id| !others.contains(id)).collect()
    }
}

/// The weights that a graph needs, and the names under which they were taken.
fn weights(graph: &Graph) -> impl Iterator<Item = (ValueId, &str)> {
    graph.external_weights().filter_map(|(name, taken_as)| Some((graph.find(name)?, taken_as)))
}

/// Loads the library, unless it is loaded already, to compute with so many threads: one a core if
/// `None`. Those that were asked for first are shared; where others are asked for later, each
/// session has its own.
///
/// # Errors
/// If it cannot be loaded, or another one is.
pub(super) fn load(library: &Path, threads: Option<usize>) -> Result<Runtime> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*loaded {
        if runtime.path == library {
            let own_threads = threads.filter(|_| threads != runtime.threads);
            return Ok(Runtime { own_threads, ..runtime.clone() });
        }
        return Err(Error::input(format!(
            "ONNX Runtime is loaded from {} already, and cannot be loaded from {} too",
            quoted(&runtime.path),
            quoted(library)
        )));
    }
    let unusable = |e: &dyn std::fmt::Display| {
        Error::input(format!("cannot use ONNX Runtime at {}: {e}", quoted(library))).with_hint(
            "version 1.18 or later is needed (pip install -U onnxruntime); --engine rten works \
             without it",
        )
    };
    let builder = ort::init_from(library).map_err(|e| unusable(&e))?;
    // What matters comes back as an error.
    let quiet = Arc::new(|_: ort::logging::LogLevel, _: &str, _: &str, _: &str, _: &str| {});
    let pool = GlobalThreadPoolOptions::default();
    let pool = match threads {
        Some(threads) => pool.with_intra_threads(threads).map_err(|e| unusable(&e))?,
        None => pool,
    };
    let environment = builder
        .with_name("smoothcam")
        .with_telemetry(false)
        .with_logger(quiet)
        .with_global_thread_pool(pool)
        .build()
        .map_err(|e| unusable(&e))?;
    let runtime = Runtime { path: library.to_owned(), environment, threads, own_threads: None };
    *loaded = Some(runtime.clone());
    Ok(runtime)
}

/// The version that the library's file name tells: `libonnxruntime.so.1.23.2`.
fn version(library: &Path) -> String {
    let file = std::fs::canonicalize(library).unwrap_or_else(|_| library.to_owned());
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.trim_matches(|c: char| !c.is_ascii_digit()).to_owned()
}

fn dispatch(provider: Provider) -> ExecutionProviderDispatch {
    let any = match provider {
        Provider::Cpu => ep::CPU::default().build(),
        Provider::Cuda => ep::CUDA::default().build(),
        Provider::TensorRt => ep::TensorRT::default().build(),
        Provider::CoreMl => ep::CoreML::default().build(),
        Provider::DirectMl => ep::DirectML::default().build(),
        Provider::OpenVino => ep::OpenVINO::default().build(),
        Provider::OneDnn => ep::OneDNN::default().build(),
        Provider::MiGraphX => ep::MIGraphX::default().build(),
        Provider::Xnnpack => ep::XNNPACK::default().build(),
        Provider::Qnn => ep::QNN::default().build(),
        Provider::WebGpu => ep::WebGPU::default().build(),
    };
    any.error_on_failure()
}

impl Engine for OnnxRuntime {
    fn name(&self) -> &str {
        &self.name
    }

    fn load(&self, graph: &Graph, runs: Runs) -> Result<Box<dyn Session>> {
        let given = self.given(graph, runs);
        let session = self.commit(graph.clone(), runs, &given);
        // Some operators want constants.
        let session = match given.as_slice() {
            [] => session,
            _ => session.or_else(|_| self.commit(graph.clone(), runs, &[])),
        };
        Ok(Box::new(session?))
    }
}

struct Loaded {
    /// `ort` lets a session be run by one thread at a time.
    session: Mutex<OrtSession>,
    /// The weights that are given with each run.
    fed: Vec<(String, Arc<DynValue>)>,
}

impl Session for Loaded {
    fn run(&self, inputs: &[(&str, ArrayViewD<'_, f32>)], outputs: &[&str]) -> Result<Vec<Array>> {
        let contiguous: Vec<_> = inputs.iter().map(|(_, x)| x.as_standard_layout()).collect();
        let mut feeds: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for ((name, _), x) in inputs.iter().zip(&contiguous) {
            let shape: Vec<i64> = x.shape().iter().map(|d| *d as i64).collect();
            let data = x.as_slice().unwrap_or_default();
            let value = TensorRef::from_array_view((shape, data))
                .map_err(|e| failure("cannot take the input", &e))?;
            feeds.push((*name, value.into()));
        }
        feeds.extend(self.fed.iter().map(|(name, weight)| (name.as_str(), (&**weight).into())));
        let selected = outputs.iter().fold(OutputSelector::no_default(), |s, name| s.with(*name));
        let options = RunOptions::new().map_err(|e| failure("cannot be set up", &e))?;
        let options = options.with_outputs(selected);
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let values = session
            .run_with_options(feeds, &options)
            .map_err(|e| failure("cannot run the model", &e))?;
        outputs
            .iter()
            .map(|name| values.get(*name).and_then(output))
            .collect::<Option<_>>()
            .ok_or_else(|| Error::failure("ONNX Runtime returned a value of another type"))
    }
}

fn output(value: &DynValue) -> Option<Array> {
    let ValueType::Tensor { ty, shape, .. } = value.dtype() else { return None };
    let shape: Vec<usize> =
        shape.iter().map(|d| usize::try_from(*d).ok()).collect::<Option<_>>()?;
    let ints = |data| ArrayD::from_shape_vec(shape.clone(), data).ok().map(Array::Ints);
    match ty {
        TensorElementType::Float32 => {
            let (_, data) = value.try_extract_tensor::<f32>().ok()?;
            ArrayD::from_shape_vec(shape.clone(), data.to_vec()).ok().map(Array::Floats)
        }
        TensorElementType::Int64 => ints(value.try_extract_tensor::<i64>().ok()?.1.to_vec()),
        TensorElementType::Int32 => {
            ints(value.try_extract_tensor::<i32>().ok()?.1.iter().map(|i| i64::from(*i)).collect())
        }
        TensorElementType::Bool => {
            ints(value.try_extract_tensor::<bool>().ok()?.1.iter().map(|b| i64::from(*b)).collect())
        }
        _ => None,
    }
}

fn failure(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::failure(format!("ONNX Runtime {what}: {error}"))
}
