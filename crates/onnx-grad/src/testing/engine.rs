//! Runs graphs on a real engine.
//!
//! That is rten, or ONNX Runtime if the environment variable `SMOOTHCAM_ENGINE` is `onnxruntime`;
//! `ORT_DYLIB_PATH` then names its library, or the folder of that.

use std::sync::LazyLock;

use bytes::Bytes;
use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{DynValue, TensorElementType};
use rten::{ModelOptions, Value, ValueView};
use rten_tensor::prelude::*;

use crate::graph::{Graph, ValueId};
use crate::tensor::{DType, Tensor};

static ONNX_RUNTIME: LazyLock<Option<Environment>> = LazyLock::new(|| {
    let chosen = std::env::var("SMOOTHCAM_ENGINE").is_ok_and(|e| e == "onnxruntime");
    chosen.then(|| {
        let path = std::env::var("ORT_DYLIB_PATH").expect("ORT_DYLIB_PATH names the library");
        let in_folder = std::fs::read_dir(&path).into_iter().flatten().flatten().map(|e| e.path());
        let library = in_folder.filter(|p| p.to_string_lossy().contains("libonnxruntime."));
        ort::init_from(library.min().unwrap_or(path.into()))
            .expect("it loads")
            .build()
            .expect("it starts")
    })
});

/// Whether the engine is rten.
pub(crate) fn is_rten() -> bool {
    ONNX_RUNTIME.is_none()
}

/// Runs a graph on its float inputs, and returns its outputs.
pub(crate) fn run(graph: &Graph, inputs: &[(ValueId, &Tensor)]) -> Vec<Tensor> {
    match &*ONNX_RUNTIME {
        // ONNX Runtime refuses graphs without nodes.
        Some(_) if graph.outputs().is_empty() => vec![],
        Some(environment) => on_onnxruntime(environment, graph, inputs),
        None => on_rten(graph, inputs),
    }
}

fn on_rten(graph: &Graph, inputs: &[(ValueId, &Tensor)]) -> Vec<Tensor> {
    let bytes = graph.to_onnx();
    // The optimiser would merge equal outputs, such as the shapes that a probe outputs.
    let model =
        ModelOptions::with_all_ops().enable_optimization(false).load(bytes).expect("rten loads");
    let node = |id: &ValueId| model.node_id(&graph.value(*id).name).expect("a node of this name");
    let data: Vec<(ValueId, Vec<usize>, Vec<f32>)> = inputs
        .iter()
        .map(|(id, t)| (*id, t.shape().to_vec(), t.to_f32s().expect("floats")))
        .collect();
    let inputs = data
        .iter()
        .map(|(id, shape, x)| (node(id), ValueView::from_shape(shape, x).expect("fits").into()))
        .collect();
    let outputs: Vec<_> = graph.outputs().iter().map(node).collect();
    let values = model.run(inputs, &outputs, None).expect("rten runs");
    values.into_iter().map(from_rten).collect()
}

fn from_rten(value: Value) -> Tensor {
    match value {
        Value::FloatTensor(t) => Tensor::from_f32s(t.shape(), &t.to_vec()).unwrap(),
        Value::Int32Tensor(t) => ints(t.shape(), &t.to_vec()),
        other => panic!("unexpected output {other:?}"),
    }
}

fn ints(shape: &[usize], data: &[i32]) -> Tensor {
    let bytes: Vec<u8> = data.iter().flat_map(|i| i.to_le_bytes()).collect();
    Tensor::from_bytes(DType::I32, shape.to_vec(), Bytes::from(bytes)).unwrap()
}

fn on_onnxruntime(
    environment: &Environment,
    graph: &Graph,
    inputs: &[(ValueId, &Tensor)],
) -> Vec<Tensor> {
    let mut session = ort::session::Session::builder(environment)
        .unwrap()
        .with_optimization_level(GraphOptimizationLevel::Disable)
        .unwrap()
        .commit_from_memory(&graph.to_onnx())
        .expect("ONNX Runtime loads");
    let name = |id: &ValueId| graph.value(*id).name.clone();
    let feeds: Vec<(String, DynValue)> = inputs
        .iter()
        .map(|(id, t)| {
            let shape: Vec<i64> = t.shape().iter().map(|d| *d as i64).collect();
            let value = ort::value::Tensor::from_array((shape, t.to_f32s().expect("floats")));
            (name(id), value.expect("fits").into_dyn())
        })
        .collect();
    let values = session.run(feeds).expect("ONNX Runtime runs");
    graph.outputs().iter().map(|id| from_onnxruntime(&values[name(id).as_str()])).collect()
}

fn from_onnxruntime(value: &DynValue) -> Tensor {
    let dims = |shape: &ort::value::Shape| shape.iter().map(|d| *d as usize).collect::<Vec<_>>();
    match value.dtype().tensor_type() {
        Some(TensorElementType::Float32) => {
            let (shape, data) = value.try_extract_tensor::<f32>().unwrap();
            Tensor::from_f32s(&dims(shape), data).unwrap()
        }
        Some(TensorElementType::Int64) => {
            let (shape, data) = value.try_extract_tensor::<i64>().unwrap();
            ints(&dims(shape), &data.iter().map(|i| *i as i32).collect::<Vec<_>>())
        }
        Some(TensorElementType::Int32) => {
            let (shape, data) = value.try_extract_tensor::<i32>().unwrap();
            ints(&dims(shape), data)
        }
        Some(TensorElementType::Bool) => {
            let (shape, data) = value.try_extract_tensor::<bool>().unwrap();
            ints(&dims(shape), &data.iter().map(|b| i32::from(*b)).collect::<Vec<_>>())
        }
        other => panic!("unexpected output {other:?}"),
    }
}
