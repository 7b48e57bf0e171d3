//! The built-in engine: rten, pure Rust.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ndarray::{ArrayD, ArrayViewD};
use onnx_grad::Graph;
use rten::{Model, ModelOptions, NodeId, RunError, Value, ValueView};
use rten_tensor::prelude::*;

use crate::array::Array;
use crate::{Error, Result};

/// The engine's name and version, for manifests.
pub(crate) const NAME: &str = "rten 0.27";

/// A graph ready to be run, from any number of threads.
pub(crate) struct Session {
    model: Model,
}

impl Session {
    /// Loads a graph. Optimising pays where the graph is run more than once; it may not keep
    /// outputs apart that are equal.
    pub(crate) fn load(graph: &Graph, optimize: bool) -> Result<Session> {
        let bytes = graph.to_onnx();
        let load = move || ModelOptions::with_all_ops().enable_optimization(optimize).load(bytes);
        let model = guarded(load)?.map_err(|e| failure("cannot load the model", &e))?;
        Ok(Session { model })
    }

    /// Computes these outputs from these inputs, and only what they need.
    pub(crate) fn run(
        &self,
        inputs: &[(&str, ArrayViewD<'_, f32>)],
        outputs: &[&str],
    ) -> Result<Vec<Array>> {
        let outputs = outputs.iter().map(|n| self.node(n)).collect::<Result<Vec<_>>>()?;
        let contiguous: Vec<_> = inputs.iter().map(|(_, x)| x.as_standard_layout()).collect();
        let mut feeds = Vec::with_capacity(inputs.len());
        for ((name, _), x) in inputs.iter().zip(&contiguous) {
            let data = x.as_slice().unwrap_or_default();
            let view = ValueView::from_shape(x.shape(), data)
                .map_err(|e| failure("cannot take the input", &e))?;
            feeds.push((self.node(name)?, view.into()));
        }
        let run = || self.model.run(feeds, &outputs, None);
        let values = guarded(run)?.map_err(|e: RunError| failure("cannot run the model", &e))?;
        values.into_iter().map(output).collect()
    }

    fn node(&self, name: &str) -> Result<NodeId> {
        self.model.node_id(name).map_err(|e| failure("lost a value of the model", &e))
    }
}

fn output(value: Value) -> Result<Array> {
    let floats = |shape: &[usize], data| ArrayD::from_shape_vec(shape, data).ok();
    let output = match value {
        Value::FloatTensor(t) => floats(t.shape(), t.to_vec()).map(Array::Floats),
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
