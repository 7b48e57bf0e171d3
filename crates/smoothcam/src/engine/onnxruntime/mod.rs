//! ONNX Runtime runs graphs: a library that is loaded at run time, by the `ort` crate, whose types stay within this folder.

pub(super) mod library;
mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use onnx_grad::{Graph, ValueId};
use ort::ep::{self, ExecutionProviderDispatch};
use ort::value::{DynValue, Tensor};

use self::library::{Library, failure};
use self::session::Loaded;
use super::options::EngineOptions;
use super::provider::Provider;
use super::traits::{Engine, Runs, Session, Weights};
use crate::{Error, Hint, Result};

/// ONNX Runtime, with the weights of one model.
pub(super) struct OnnxRuntime {
    name: String,
    library: Library,
    providers: Vec<Provider>,
    weights: HashMap<String, Arc<DynValue>>,
}

/// The most elements that the weights of a graph may have which is run often, if its session is to copy them all.
const MOST_COPIED: usize = 50_000_000;

/// Operators that multiply matrices.
const PRODUCTS: [&str; 2] = ["Gemm", "MatMul"];

impl OnnxRuntime {
    /// The engine of a model with these weights.
    ///
    /// # Errors
    /// If the library cannot take the weights over.
    pub(super) fn new(
        library: Library,
        options: &EngineOptions,
        weights: Weights,
    ) -> Result<OnnxRuntime> {
        let mut values = HashMap::new();
        for (name, tensor) in weights {
            let shape: Vec<i64> = tensor.shape().iter().map(|d| *d as i64).collect();
            let floats = tensor.to_f32s().unwrap_or_default();
            drop(tensor);
            let value = Tensor::from_array((shape, floats))
                .map_err(|e| failure("has no memory for the weights", &e))?;
            values.insert(name, Arc::new(value.into_dyn()));
        }
        let mut name = "ONNX Runtime".to_owned();
        let version = library.version();
        if !version.is_empty() {
            name.push_str(&format!(" {version}"));
        }
        if !options.providers.is_empty() {
            let providers: Vec<_> = options.providers.iter().map(|p| p.name()).collect();
            name.push_str(&format!(" ({})", providers.join(", ")));
        }
        Ok(OnnxRuntime { name, library, providers: options.providers.clone(), weights: values })
    }

    /// Loads a graph. Some of its weights are `passed` with each run; of the others the session makes copies, in the
    /// order in which it multiplies them.
    fn commit(&self, mut graph: Graph, runs: Runs, passed: &[ValueId]) -> Result<Loaded> {
        let pack = runs == Runs::Often && passed.is_empty();
        let mut builder = self.library.session(runs, pack)?;
        for provider in &self.providers {
            builder = builder.with_execution_providers([dispatch(*provider)]).map_err(|e| {
                Error::input(format!(
                    "ONNX Runtime cannot use the execution provider '{}': {e}",
                    provider.name()
                ))
                .with_hint(
                    Hint::advice("install an ONNX Runtime that is built for it").or(Hint::set(
                        "provider",
                        "cpu",
                        "use the processor",
                    )),
                )
            })?;
        }
        let mut values = Vec::new();
        for (id, stored_as) in weights(&graph) {
            let weight = self.weights.get(stored_as).cloned();
            let weight = weight.ok_or_else(|| Error::failure("a weight was lost"))?;
            let name = &graph.value(id).name;
            if passed.contains(&id) {
                values.push((name.clone(), weight));
                continue;
            }
            builder = builder
                .with_external_initializer(name, weight)
                .map_err(|e| failure("cannot take a weight", &e))?;
        }
        graph.weights_to_inputs(passed);
        let session = builder
            .commit_from_memory(&graph.to_onnx())
            .map_err(|e| failure("cannot load the model", &e))?;
        Ok(Loaded { session: Mutex::new(session), passed: values })
    }

    /// The weights that are passed with each run, which needs no copies: all of them if the graph runs once; those of
    /// matrix products if there are so many weights that reading them takes longer than to bring them in order.
    fn passed(&self, graph: &Graph, runs: Runs) -> Vec<ValueId> {
        let elements = |id| graph.shape(id).unwrap_or_default().iter().product::<usize>();
        let many = || weights(graph).map(|(id, _)| elements(id)).sum::<usize>() > MOST_COPIED;
        let on_cpu = self.providers.iter().all(|p| *p == Provider::Cpu);
        let copied: Vec<ValueId> = match runs {
            Runs::Once => Vec::new(),
            Runs::Often if on_cpu && many() => {
                let nodes = graph.nodes().map(|(_, n)| n);
                let others = nodes.filter(|n| !PRODUCTS.contains(&n.op.as_str()));
                others.flat_map(|n| n.inputs.iter().flatten().copied()).collect()
            }
            Runs::Often => return Vec::new(),
        };
        weights(graph).map(|(id, _)| id).filter(|id| !copied.contains(id)).collect()
    }
}

impl Engine for OnnxRuntime {
    fn name(&self) -> &str {
        &self.name
    }

    fn load(&self, graph: &Graph, runs: Runs) -> Result<Box<dyn Session>> {
        let passed = self.passed(graph, runs);
        let session = self.commit(graph.clone(), runs, &passed);
        // Some operators need constants.
        let session = if passed.is_empty() {
            session
        } else {
            session.or_else(|_| self.commit(graph.clone(), runs, &[]))
        };
        Ok(Box::new(session?))
    }
}

/// The weights that a graph needs, and the names under which the engine holds them.
fn weights(graph: &Graph) -> impl Iterator<Item = (ValueId, &str)> {
    graph.external_weights().filter_map(|(name, stored_as)| Some((graph.find(name)?, stored_as)))
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
