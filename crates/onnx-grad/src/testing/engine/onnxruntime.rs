//! Runs graphs on ONNX Runtime.

use std::sync::LazyLock;

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{DynValue, TensorElementType};

use super::{Optimised, ints};
use crate::tensor::Tensor;

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    let path = std::env::var("ORT_DYLIB_PATH").expect("ORT_DYLIB_PATH names the library");
    let in_folder = std::fs::read_dir(&path).into_iter().flatten().flatten().map(|e| e.path());
    let library = in_folder.filter(|p| p.to_string_lossy().contains("libonnxruntime."));
    ort::init_from(library.min().unwrap_or(path.into()))
        .expect("it loads")
        .build()
        .expect("it starts")
});

pub(super) fn run(
    model: &[u8],
    optimised: Optimised,
    inputs: &[(&str, &Tensor)],
    outputs: &[&str],
) -> Result<Vec<Tensor>, String> {
    let level = match optimised {
        Optimised::No => GraphOptimizationLevel::Disable,
        Optimised::Yes => GraphOptimizationLevel::All,
    };
    let mut session = Session::builder(&ENVIRONMENT)
        .and_then(|b| Ok(b.with_optimization_level(level)?))
        .and_then(|b| Ok(b.with_intra_threads(1)?))
        .and_then(|b| Ok(b.with_log_level(LogLevel::Fatal)?))
        .and_then(|mut b| b.commit_from_memory(model))
        .map_err(|e| format!("ONNX Runtime does not load the graph: {e}"))?;
    let feeds: Vec<(&str, DynValue)> = inputs
        .iter()
        .map(|(name, t)| {
            let shape: Vec<i64> = t.shape().iter().map(|d| *d as i64).collect();
            let value = ort::value::Tensor::from_array((shape, t.to_f32s().expect("floats")));
            (*name, value.expect("it fits").into_dyn())
        })
        .collect();
    let values = session.run(feeds).map_err(|e| format!("ONNX Runtime: {e}"))?;
    outputs.iter().map(|name| tensor(&values[*name])).collect()
}

fn tensor(value: &DynValue) -> Result<Tensor, String> {
    fn of<T: ort::value::PrimitiveTensorElementType + Copy + Into<i64>>(
        value: &DynValue,
    ) -> Tensor {
        let (shape, data) = value.try_extract_tensor::<T>().expect("it has this type");
        ints(&dims(shape), data.iter().copied())
    }
    Ok(match value.dtype().tensor_type() {
        Some(TensorElementType::Float32) => {
            let (shape, data) = value.try_extract_tensor::<f32>().expect("it has this type");
            Tensor::from_f32s(&dims(shape), data).expect("it fits")
        }
        Some(TensorElementType::Int64) => of::<i64>(value),
        Some(TensorElementType::Int32) => of::<i32>(value),
        Some(TensorElementType::Int16) => of::<i16>(value),
        Some(TensorElementType::Int8) => of::<i8>(value),
        Some(TensorElementType::Uint8) => of::<u8>(value),
        Some(TensorElementType::Bool) => of::<bool>(value),
        other => return Err(format!("unexpected output {other:?}")),
    })
}

fn dims(shape: &ort::value::Shape) -> Vec<usize> {
    shape.iter().map(|d| *d as usize).collect()
}
