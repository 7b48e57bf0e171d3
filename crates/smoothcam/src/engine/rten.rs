//! rten runs graphs: the built-in engine, written in Rust. Its types stay within this file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ndarray::{ArrayD, ArrayViewD};
use onnx_grad::{ConvSize, Graph};
use rten::{Model, ModelOptions, NodeId, RunError, RunOptions, ThreadPool, Value, ValueView};
use rten_tensor::prelude::*;

use super::traits::{Engine, Runs, Session, Weights};
use crate::array::Array;
use crate::{Error, Hint, Result};

/// rten, with the weights of one model.
pub(super) struct Rten {
    name: String,
    loader: Mutex<Sender<Request>>,
    pool: Option<Arc<ThreadPool>>,
}

/// The most operators that follow on each other: the gradient of a model of 100,000 has about four times as many.
const DEEPEST: usize = 500_000;

/// The most sums of sums, or products of products, of a graph that is optimised: the time that takes grows with the square.
const LONGEST_SUM: usize = 500;

/// A graph to load as a model file, whether to optimise it, and where to send the outcome.
type Request = (Vec<u8>, bool, Sender<Result<Model>>);

impl Rten {
    /// The engine of a model with these weights, which computes with so many threads; `None` for one a core. `instead`
    /// is why another engine, whose place it takes, could not be used.
    pub(super) fn new(threads: Option<usize>, weights: Weights, instead: Option<Error>) -> Rten {
        let name = match instead {
            None => "rten 0.27".to_owned(),
            Some(e) => format!("rten 0.27, since smoothcam {e}"),
        };
        let pool = threads.map(|n| Arc::new(ThreadPool::with_num_threads(n)));
        let (loader, requests) = channel::<Request>();
        // Graphs share the weights by `ModelOptions`, which must stay within one thread.
        let load_all = move || {
            let mut options = ModelOptions::with_all_ops();
            for (name, tensor) in weights {
                let bytes = tensor.bytes().cloned().unwrap_or_default();
                drop(tensor);
                options.external_data(&name, bytes.into());
            }
            for (bytes, optimize, outcome) in requests {
                let load = || options.enable_optimization(optimize).load(bytes);
                let model =
                    guarded(load).and_then(|m| m.map_err(|e| refusal("cannot load the model", &e)));
                // Nobody waits for it any more if this fails.
                let _ = outcome.send(model);
            }
        };
        // Without a thread, loading is an error.
        let _ = thread::Builder::new().stack_size(stack_of(DEEPEST)).spawn(load_all);
        Rten { name, loader: Mutex::new(loader), pool }
    }
}

impl Engine for Rten {
    fn name(&self) -> &str {
        &self.name
    }

    fn load(&self, graph: &Graph, runs: Runs) -> Result<Box<dyn Session>> {
        let depth = graph.depth(|_, _| true);
        if depth > DEEPEST {
            return Err(refusal(
                "cannot take the model",
                &format!("{depth} operators follow on each other, {DEEPEST} can"),
            ));
        }
        let (outcome, model) = channel();
        let bytes = match runs {
            Runs::Once => graph.to_onnx(),
            Runs::Often => {
                let recast = graph.clone().transpose_convs(faster_transposed);
                recast.map_err(|e| failure("cannot take the model", &e))?.to_onnx()
            }
        };
        let sums = graph.depth(|before, after| {
            before.op == after.op && matches!(after.op.as_str(), "Add" | "Mul")
        });
        let request = (bytes, runs == Runs::Often && sums <= LONGEST_SUM, outcome);
        let sent = self.loader.lock().unwrap_or_else(PoisonError::into_inner).send(request).is_ok();
        let model = if sent { model.recv().ok() } else { None };
        let model = model.ok_or_else(|| Error::failure("the engine (rten) has stopped"))??;
        Ok(Box::new(Loaded { model, pool: self.pool.clone(), depth }))
    }
}

/// Whether rten computes a convolution faster in the transposed form, up to four times on shapes from ResNet, VGG and
/// DenseNet. For a convolution it gathers the window of each place, which costs more where a place has few outputs.
/// For a transposed one it adds windows up, which costs more where the windows of all outputs exceed the processor's
/// cache, or where there are few places.
fn faster_transposed(conv: ConvSize) -> bool {
    const CACHED: usize = 8_000_000;
    conv.out_channels <= conv.in_channels
        && conv.positions >= 6 * conv.out_channels
        && conv.window * conv.out_channels * conv.positions <= CACHED
}

/// A graph that rten has loaded.
struct Loaded {
    model: Model,
    pool: Option<Arc<ThreadPool>>,
    /// The number of operators that follow on each other.
    depth: usize,
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
        let run = || guarded(|| self.model.run(feeds, &outputs, Some(options)));
        let values = on_stack_for(self.depth, run)??;
        let values = values.map_err(|e: RunError| refusal("cannot run the model", &e))?;
        values.into_iter().map(array).collect()
    }
}

impl Loaded {
    fn node(&self, name: &str) -> Result<NodeId> {
        self.model.node_id(name).map_err(|e| failure("lost a value of the model", &e))
    }
}

/// A value as an array.
///
/// # Errors
/// If it is no tensor of float32 or int32.
fn array(value: Value) -> Result<Array> {
    let floats = |shape: &[usize], data| ArrayD::from_shape_vec(shape, data).ok();
    let array = match value {
        Value::FloatTensor(t) => floats(&Vec::from(t.shape()), t.into_data()).map(Array::Floats),
        Value::Int32Tensor(t) => {
            let data = t.to_vec().into_iter().map(i64::from).collect();
            ArrayD::from_shape_vec(t.shape(), data).ok().map(Array::Ints)
        }
        _ => None,
    };
    array.ok_or_else(|| Error::failure("the engine (rten) returned a value of another type"))
}

/// Runs a function on a stack that is large enough to plan a graph of this depth.
fn on_stack_for<T: Send>(depth: usize, f: impl FnOnce() -> T + Send) -> Result<T> {
    // Every thread has as much.
    if stack_of(depth) <= 1 << 20 {
        return Ok(f());
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(stack_of(depth)).spawn_scoped(scope, f);
        let thread = thread.map_err(|e| failure("has no memory for so deep a model", &e))?;
        thread.join().map_err(|_| Error::failure("the engine (rten) has stopped"))
    })
}

/// The bytes of stack that rten needs for a graph of this depth: it plans what to run by recursion, of about 400 bytes.
fn stack_of(depth: usize) -> usize {
    (1 << 19) + depth * 512
}

fn failure(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::failure(format!("the engine (rten) {what}: {error}"))
}

/// The error for a model with operators or options that rten does not have.
fn refusal(what: &str, error: &dyn std::fmt::Display) -> Error {
    failure(what, error).with_hint(Hint::set(
        "engine",
        "onnxruntime",
        "run it in ONNX Runtime, which has more operators",
    ))
}

/// Runs the engine's code, whose panics become errors: models come from strangers.
fn guarded<T>(f: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f))
        .map_err(|_| refusal("gave up on the model", &"it met a case that it does not handle"))
}

#[cfg(test)]
mod tests {
    use onnx_grad::Tape;

    use super::*;

    #[test]
    fn deep_graphs_run_on_any_thread() {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[1]);
        let (mut y, step) = (x, tape.scalar(1.0));
        for _ in 0..12_000 {
            y = y + step;
        }
        let y = y.id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[y]);
        let name = graph.value(y).name.clone();
        let engine = Rten::new(None, vec![], None);
        for runs in [Runs::Once, Runs::Often] {
            let session = engine.load(&graph, runs).unwrap();
            let x = ArrayD::zeros(vec![1]);
            let found = session.run(&[("x", x.view())], &[&name]).unwrap();
            assert_eq!(found, [Array::Floats(ArrayD::from_elem(vec![1], 12_000.0))]);
        }
    }
}
