//! An engine loads graphs, and a session runs one of them.

use ndarray::ArrayViewD;
use onnx_grad::{Graph, Tensor};

use crate::Result;
use crate::array::Array;

/// Runs the graphs of one model, whose weights it holds for them all.
pub(crate) trait Engine: Send + Sync {
    /// The engine's name and version, for people.
    fn name(&self) -> &str;

    /// Loads a graph.
    ///
    /// # Errors
    /// If the engine cannot run it.
    fn load(&self, graph: &Graph, runs: Runs) -> Result<Box<dyn Session>>;
}

/// A graph that is ready to be run, by any number of threads.
pub(crate) trait Session: Send + Sync {
    /// Computes the outputs of these names from inputs and their values.
    ///
    /// # Errors
    /// If the engine fails.
    fn run(&self, inputs: &[(&str, ArrayViewD<'_, f32>)], outputs: &[&str]) -> Result<Vec<Array>>;
}

/// How often a graph will be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runs {
    /// Once: loading is most of the work. Outputs that are equal stay separate values.
    Once,
    /// Often: it pays to optimise the graph.
    Often,
}

/// Weights, each with the name by which graphs refer to it.
pub(crate) type Weights = Vec<(String, Tensor)>;
