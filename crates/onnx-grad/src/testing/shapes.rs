//! Finds the shapes of a graph, by running its probe on an engine.

use super::engine::{Engine, Optimised};
use crate::error::{Error, Result};
use crate::graph::{Graph, ValueId};
use crate::tensor::Tensor;

/// Runs a graph's probe on the chosen engine, and applies what it finds.
pub(crate) fn infer_shapes(graph: &mut Graph) {
    infer_shapes_on(Engine::chosen(), graph).unwrap_or_else(|e| panic!("{e}"));
}

/// The same as [`infer_shapes`] on this engine, for graphs that it may not run, or with branches
/// whose conditions may depend on the input.
pub(crate) fn infer_shapes_on(engine: Engine, graph: &mut Graph) -> Result<()> {
    loop {
        let complete = graph.control_flow_resolved();
        let probe = graph.probe();
        let inputs: Vec<(ValueId, Tensor)> = graph
            .inputs()
            .iter()
            .map(|id| {
                let shape = graph.shape(*id).expect("inputs have shapes");
                (*id, Tensor::from_f32s(shape, &vec![0.5; shape.iter().product()]).unwrap())
            })
            .collect();
        let inputs: Vec<_> = inputs.iter().map(|(id, t)| (*id, t)).collect();
        let outputs = engine.run(&probe.graph, Optimised::No, &inputs).map_err(Error::invalid)?;
        graph.apply_probe(&probe, &outputs)?;
        if complete {
            return Ok(());
        }
    }
}
