//! Writes the gradient of a model's output with respect to its input, of floats of this shape:
//! `cargo run -p onnx-grad --example model -- model.onnx OUTPUT INPUT 1x3x224x224 grad.onnx`
#![allow(clippy::print_stdout, reason = "an example")]

use std::error::Error;
use std::fs;

use onnx_grad::{Graph, Source, Tape, Tensor, ValueId, vjp};
use rten::{ModelOptions, Value, ValueView};
use rten_tensor::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, of, wrt, shape, out] = &arguments[..] else {
        return Err("expected MODEL OUTPUT INPUT SHAPE FILE".into());
    };
    let shape: Vec<usize> = shape.split('x').map(str::parse).collect::<Result<_, _>>()?;
    let bytes = fs::read(path)?;
    let elsewhere = |_: &_| Err("its weights are in another file".to_owned());
    let mut graph = Graph::from_onnx(&bytes[..], &mut { elsewhere })?;
    let find = |name: &str| graph.find(name).ok_or(format!("there is no value '{name}'"));
    let (of, wrt) = (find(of)?, find(wrt)?);
    graph.set_outputs(&[of]);
    graph.drop_idle_inputs();
    graph.fix_input(wrt, &shape);
    learn(&mut graph, wrt, &shape)?;

    let tape = Tape::new(graph.decompose()?);
    let value = tape.var(of);
    let cotangent = tape.input("cotangent", &value.shape());
    let gradient = vjp(&tape, value, cotangent, &[wrt]).remove(0)?;
    let gradient = gradient.ok_or("the output does not depend on the input")?.id();
    let mut graph = tape.into_graph()?;
    graph.rename(gradient, "gradient");
    graph.set_outputs(&[gradient]);

    // The file's own nodes stay as they are, and what it has not is appended.
    let extended = Source::read(&bytes[..])?.extend(&graph, &|_| None)?;
    fs::write(out, extended.to_onnx())?;
    println!("wrote {out}, opset {}", extended.opset());
    Ok(())
}

/// Learns all shapes from runs of the probe. (One is enough, where there are no branches.)
fn learn(graph: &mut Graph, input: ValueId, shape: &[usize]) -> Result<(), Box<dyn Error>> {
    loop {
        let settled = graph.is_settled();
        let probe = graph.probe();
        // Outputs that are equal stay apart.
        let options = &mut ModelOptions::with_all_ops();
        let model = options.enable_optimization(false).load(probe.graph.to_onnx())?;
        let id = |value: &ValueId| model.node_id(&probe.graph.value(*value).name);
        let zeros = vec![0.0f32; shape.iter().product()];
        let zeros = ValueView::from_shape(shape, &zeros)?;
        let outputs: Vec<_> = probe.graph.outputs().iter().map(id).collect::<Result<_, _>>()?;
        let results = model.run(vec![(id(&input)?, zeros.into())], &outputs, None)?;
        let results: Vec<Tensor> = results.into_iter().map(tensor).collect::<Result<_, _>>()?;
        graph.learn(&probe, &results)?;
        if settled {
            return Ok(());
        }
    }
}

fn tensor(value: Value) -> Result<Tensor, Box<dyn Error>> {
    let integers = |data: Vec<i32>| data.into_iter().map(i64::from).collect::<Vec<_>>();
    Ok(match value {
        Value::FloatTensor(t) => {
            Tensor::from_f32s(t.shape(), &t.to_vec()).ok_or("a tensor has no shape")?
        }
        Value::Int32Tensor(t) => {
            let flat = Tensor::from_i64s(&integers(t.to_vec()));
            let bytes = flat.bytes().cloned().unwrap_or_default();
            Tensor::from_bytes(flat.dtype(), t.shape().to_vec(), bytes)
                .ok_or("a tensor has no shape")?
        }
        _ => return Err("a value of another type".into()),
    })
}
