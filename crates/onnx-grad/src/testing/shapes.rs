//! Finds the shapes of a graph, by running its probe on an engine.

use super::engine::run;
use crate::error::Result;
use crate::graph::{Graph, ValueId};
use crate::tensor::Tensor;

/// Runs a graph's probe, and applies what it finds.
pub(crate) fn infer_shapes(graph: &mut Graph) {
    try_infer_shapes(graph).expect("the outputs are those of the probe");
}

/// The same as [`infer_shapes`] for graphs with branches whose conditions may depend on the input.
pub(crate) fn try_infer_shapes(graph: &mut Graph) -> Result<()> {
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
        let outputs = run(&probe.graph, &inputs);
        graph.apply_probe(&probe, &outputs)?;
        if complete {
            return Ok(());
        }
    }
}
