//! Runs graphs on rten.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rten::{ModelOptions, Value, ValueView};
use rten_tensor::prelude::*;

use super::{Optimised, ints};
use crate::tensor::Tensor;

pub(super) fn run(
    model: Vec<u8>,
    optimised: Optimised,
    inputs: &[(&str, &Tensor)],
    outputs: &[&str],
) -> Result<Vec<Tensor>, String> {
    // The library turns rten's panics into errors, too.
    let run = AssertUnwindSafe(|| loaded_and_run(model, optimised, inputs, outputs));
    catch_unwind(run).unwrap_or_else(|_| Err("rten panics".into()))
}

fn loaded_and_run(
    model: Vec<u8>,
    optimised: Optimised,
    inputs: &[(&str, &Tensor)],
    outputs: &[&str],
) -> Result<Vec<Tensor>, String> {
    let model = ModelOptions::with_all_ops()
        .enable_optimization(optimised == Optimised::Yes)
        .load(model)
        .map_err(|e| format!("rten does not load the graph: {e}"))?;
    let node = |name: &str| model.node_id(name).map_err(|e| e.to_string());
    let data: Vec<(&str, &[usize], Vec<f32>)> =
        inputs.iter().map(|(n, t)| (*n, t.shape(), t.to_f32s().expect("floats"))).collect();
    let inputs = data.iter().map(|(name, shape, x)| {
        Ok((node(name)?, ValueView::from_shape(shape, x).expect("it fits").into()))
    });
    let inputs = inputs.collect::<Result<_, String>>()?;
    let outputs = outputs.iter().map(|n| node(n)).collect::<Result<Vec<_>, _>>()?;
    let values = model.run(inputs, &outputs, None).map_err(|e| format!("rten: {e}"))?;
    values.into_iter().map(tensor).collect()
}

fn tensor(value: Value) -> Result<Tensor, String> {
    Ok(match value {
        Value::FloatTensor(t) => Tensor::from_f32s(t.shape(), &t.to_vec()).expect("it fits"),
        Value::Int32Tensor(t) => ints(t.shape(), t.to_vec()),
        Value::Int8Tensor(t) => ints(t.shape(), t.to_vec()),
        Value::UInt8Tensor(t) => ints(t.shape(), t.to_vec()),
        other => return Err(format!("unexpected output {other:?}")),
    })
}
