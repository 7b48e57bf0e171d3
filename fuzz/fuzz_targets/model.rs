//! ONNX files, and what follows without an engine: foresight of memory, what depends on what, files again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onnx_grad::{Dim, Graph, SourceModel};

/// What a run may take, in bytes.
const MEMORY: u64 = 1 << 30;

fuzz_target!(|file: &[u8]| {
    let external = &mut |_: &_| Err("there are no other files".to_owned());
    let source = SourceModel::read(file);
    let Ok(mut graph) = Graph::from_onnx(file, external) else { return };
    for input in graph.inputs().to_vec() {
        let declared = graph.value(input).declared.clone().unwrap_or_default();
        let size = |dim: &Dim| match dim {
            Dim::Fixed(size) => *size,
            Dim::Dynamic(_) => 2,
        };
        graph.fix_input(input, &declared.iter().map(size).collect::<Vec<_>>());
    }
    let _ = graph.check_memory(MEMORY);
    let _ = graph.unforeseen();
    let _ = graph.peak_bytes();
    let inputs = graph.inputs().to_vec();
    for input in &inputs {
        let _ = graph.cuts(*input);
    }
    let _ = graph.dependents(&inputs, &[]);
    let probe = graph.probe().graph;
    let written = probe.to_onnx();
    // A graph of constants alone is no model, and texts, which graphs do not hold, are left out.
    let computes = probe.outputs().iter().any(|output| probe.producer(*output).is_some());
    let known = |id| {
        probe.producer(id).is_some() || probe.content(id).is_some() || probe.inputs().contains(&id)
    };
    if computes && probe.values().all(|(id, _)| known(id)) {
        Graph::from_onnx(&written[..], external).expect("what smoothcam writes, it reads");
    }
    if let Ok(source) = source {
        let _ = source.opset();
    }
});
