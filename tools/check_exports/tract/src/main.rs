//! Checks exported models in tract.
//!
//!     python tools/check_exports --keep cases
//!     cargo run --release --manifest-path tools/check_exports/tract/Cargo.toml -- cases
//!
//! The exported model must compute the source's outputs bit by bit, and the map of `smoothcam explain`.

use std::fs;
use std::path::{Path, PathBuf};

use tract_onnx::prelude::*;

/// The largest error of the map, as a share of its maximum.
const TOLERANCE: f32 = 1e-4;

/// Reads a file of float32 values.
fn floats(path: &Path) -> TractResult<Vec<f32>> {
    let bytes = fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

/// Computes the outputs of a model for an input of this shape.
fn run(path: &Path, shape: &[usize], picture: &[f32]) -> TractResult<Vec<Vec<f32>>> {
    let model = tract_onnx::onnx()
        .with_ignore_output_shapes(true)
        .model_for_path(path)?
        .with_input_fact(0, f32::fact(shape).into())?
        .into_optimized()?
        .into_runnable()?;
    let outputs = model.run(tvec!(Tensor::from_shape(shape, picture)?.into()))?;
    outputs.iter().map(|o| Ok(o.as_slice::<f32>()?.to_vec())).collect()
}

/// Returns the error of the map, as a share of its maximum, and whether the predictions are equal.
fn check(folder: &Path) -> TractResult<(f32, bool)> {
    let case: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("case.json"))?)?;
    let shape = case["shape"].as_array().into_iter().flatten();
    let shape: Vec<usize> = shape.filter_map(|d| Some(d.as_u64()? as usize)).collect();
    let (picture, map) = (floats(&folder.join("input.f32"))?, floats(&folder.join("map.f32"))?);
    let source = run(&folder.join("source.onnx"), &shape, &picture)?;
    let mut explained = run(&folder.join("explained.onnx"), &shape, &picture)?;
    let found = explained.pop().unwrap_or_default();
    let peak = map.iter().fold(0.0f32, |m, x| m.max(x.abs())).max(f32::MIN_POSITIVE);
    let error = map.iter().zip(&found).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
    let fits = found.len() == map.len();
    Ok((if fits { error / peak } else { f32::INFINITY }, source == explained))
}

fn main() -> TractResult<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "cases".into());
    let mut cases: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect::<TractResult<_>>()?;
    cases.sort();
    let mut failed = false;
    for case in cases {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match check(&case) {
            Ok((error, equal)) => {
                let fine = equal && error <= TOLERANCE;
                failed |= !fine;
                let (fine, predictions) =
                    (if fine { "ok    " } else { "FAILED" }, if equal { "equal" } else { "differ" });
                println!("{fine} tract {name}: predictions {predictions}, error {error:.1e}");
            }
            Err(error) => {
                failed = true;
                println!("FAILED tract {name}: {error:?}");
            }
        }
    }
    std::process::exit(failed.into())
}
