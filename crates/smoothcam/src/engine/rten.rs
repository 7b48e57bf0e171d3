//! The built-in engine: rten, pure Rust.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ndarray::{ArrayD, ArrayViewD};
use onnx_grad::{ConvSize, Graph};
use rten::{Model, ModelOptions, NodeId, RunError, RunOptions, ThreadPool, Value, ValueView};
use rten_tensor::prelude::*;

use super::{Engine, Runs, Session, Weights};
use crate::array::Array;
use crate::{Error, Result};

/// rten, with the weights of one model.
pub(super) struct Rten {
    name: String,
    loader: Mutex<Sender<Request>>,
    pool: Option<Arc<ThreadPool>>,
}

/// A graph to load, whether to optimise it, and where to send the outcome.
type Request = (Vec<u8>, bool, Sender<Result<Model>>);

impl Rten {
    /// An engine with these weights, that computes with so many threads, by default one a core;
    /// perhaps because another could not be used.
    pub(super) fn new(threads: Option<usize>, weights: Weights, because: Option<Error>) -> Rten {
        let name = match because {
            None => "rten 0.27".to_owned(),
            Some(e) => format!("rten 0.27, since smoothcam {e}"),
        };
        let pool = threads.map(|n| Arc::new(ThreadPool::with_num_threads(n)));
        let (loader, requests) = channel::<Request>();
        // What shares weights between graphs, `ModelOptions`, must stay within its thread.
        thread::spawn(move || {
            let mut options = ModelOptions::with_all_ops();
            for (name, tensor) in weights {
                let bytes = tensor.bytes().cloned().unwrap_or_default();
                drop(tensor);
                options.external_data(&name, bytes.into());
            }
            for (bytes, optimize, outcome) in requests {
                let load = || options.enable_optimization(optimize).load(bytes);
                let model =
                    guarded(load).and_then(|m| m.map_err(|e| failure("cannot load the model", &e)));
                // Whoever asked is waiting.
                let _ = outcome.send(model);
            }
        });
        Rten { name, loader: Mutex::new(loader), pool }
    }
}

impl Engine for Rten {
    fn name(&self) -> &str {
        &self.name
    }

    fn load(&self, graph: &Graph, runs: Runs) -> Result<Box<dyn Session>> {
        let (outcome, model) = channel();
        let bytes = match runs {
            Runs::Once => graph.to_onnx(),
            Runs::Often => {
                let recast = graph.clone().transpose_convs(faster_transposed);
                recast.map_err(|e| failure("cannot take the model", &e))?.to_onnx()
            }
        };
        let request = (bytes, runs == Runs::Often, outcome);
        let sent = self.loader.lock().unwrap_or_else(PoisonError::into_inner).send(request).is_ok();
        let model = if sent { model.recv().ok() } else { None };
        let model = model.ok_or_else(|| Error::failure("the engine (rten) has stopped"))??;
        Ok(Box::new(Loaded { model, pool: self.pool.clone() }))
    }
}

/// Whether rten computes a convolution faster as a transposed one. It gathers the windows of each
/// place for a convolution, and adds up windows for a transposed one; the first costs more where
/// there are few outputs to a place, the second where the windows of all outputs exceed the
/// processor's cache, or places are few. Measured on shapes from ResNet, VGG and DenseNet: up to
/// four times as fast.
fn faster_transposed(conv: ConvSize) -> bool {
    const CACHED: usize = 8_000_000;
    conv.out_channels <= conv.in_channels
        && conv.positions >= 6 * conv.out_channels
        && conv.window * conv.out_channels * conv.positions <= CACHED
}

struct Loaded {
    model: Model,
    pool: Option<Arc<ThreadPool>>,
}

impl Session for Loaded {
    fn run(&self, inputs: &[(&str, ArrayViewD<'_, f32>)], outputs: &[&str]) -> Result<Vec<Array>> {
        let outputs = outputs.iter().map(|n| self.node(n)).collect::<Result<Vec<_>>>()?;
        let contiguous: Vec<_> = inputs.iter().map(|(_, x)| x.as_standard_layout()).collect();
        let mut feeds = Vec::with_capacity(inputs.len());
        for ((name, _), x) in inputs.iter().zip(&contiguous) {
            let data = x.as_slice().unwrap_or_default();
            let view = ValueView::from_shape(x.shape(), data)
                .map_err(|e| failure("cannot take the input", &e))?;
            feeds.push((self.node(name)?, view.into()));
        }
        let options = RunOptions::default().with_thread_pool(self.pool.clone());
        let run = || self.model.run(feeds, &outputs, Some(options));
        let values = guarded(run)?.map_err(|e: RunError| failure("cannot run the model", &e))?;
        values.into_iter().map(output).collect()
    }
}

impl Loaded {
    fn node(&self, name: &str) -> Result<NodeId> {
        self.model.node_id(name).map_err(|e| failure("lost a value of the model", &e))
    }
}

fn output(value: Value) -> Result<Array> {
    let floats = |shape: &[usize], data| ArrayD::from_shape_vec(shape, data).ok();
    let output = match value {
        Value::FloatTensor(t) => floats(&Vec::from(t.shape()), t.into_data()).map(Array::Floats),
        Value::Int32Tensor(t) => {
            let data = t.to_vec().into_iter().map(i64::from).collect();
            ArrayD::from_shape_vec(t.shape(), data).ok().map(Array::Ints)
        }
        _ => None,
    };
    output.ok_or_else(|| Error::failure("the engine (rten) returned a value of another type"))
}

fn failure(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::failure(format!("the engine (rten) {what}: {error}"))
}

/// Models come from strangers: a panic within the engine is an error like any other.
fn guarded<T>(f: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|_| {
        Error::failure(
            "the engine (rten) gave up on the model: it met a case that it does not handle",
        )
    })
}
