//! Writes the gradient of a model's output with respect to an input of floats, of the shape given:
//! `cargo run -p onnx-grad --example model -- model.onnx OUTPUT INPUT 1x3x224x224 grad.onnx`
#![expect(clippy::print_stdout, reason = "the example reports to the terminal")]

use std::error::Error;
use std::fs;

use onnx_grad::{Graph, SourceModel, Tape, Tensor, ValueId, vjp};
use rten::{ModelOptions, Value, ValueView};
use rten_tensor::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, of, wrt, shape, out] = &arguments[..] else {
        return Err("expected MODEL OUTPUT INPUT SHAPE FILE".into());
    };
    let shape: Vec<usize> = shape.split('x').map(str::parse).collect::<Result<_, _>>()?;
    let bytes = fs::read(path)?;
    let external = |_: &_| Err("this example reads no other files".to_owned());
    let mut graph = Graph::from_onnx(&bytes[..], &mut { external })?;
    let find = |name: &str| graph.find(name).ok_or(format!("the model has no value '{name}'"));
    let (of, wrt) = (find(of)?, find(wrt)?);
    graph.set_outputs(&[of]);
    graph.drop_unused_inputs();
    graph.fix_input(wrt, &shape);
    infer_shapes(&mut graph, wrt, &shape)?;

    let tape = Tape::new(graph.decompose()?);
    let value = tape.var(of);
    let cotangent = tape.input("cotangent", &value.shape());
    let gradient = vjp(&tape, value, cotangent, &[wrt]).remove(0)?;
    let gradient = gradient.ok_or("the output does not depend on the input")?.id();
    let mut graph = tape.into_graph()?;
    graph.rename(gradient, "gradient");
    graph.set_outputs(&[gradient]);

    // The file's own nodes stay as they are; the gradient is appended.
    let extended = SourceModel::read(&bytes[..])?.extend(&graph, &|_| None)?;
    fs::write(out, extended.to_onnx())?;
    println!("wrote {out}, opset {}", extended.opset());
    Ok(())
}

/// Finds all shapes by runs of the probe. (One is enough if the graph has no branches.)
fn infer_shapes(graph: &mut Graph, input: ValueId, shape: &[usize]) -> Result<(), Box<dyn Error>> {
    loop {
        let complete = graph.control_flow_resolved();
        let probe = graph.probe();
        // The optimiser would merge outputs that are equal.
        let options = &mut ModelOptions::with_all_ops();
        let model = options.enable_optimization(false).load(probe.graph.to_onnx())?;
        let id = |value: &ValueId| model.node_id(&probe.graph.value(*value).name);
        let zeros = vec![0.0f32; shape.iter().product()];
        let zeros = ValueView::from_shape(shape, &zeros)?;
        let outputs: Vec<_> = probe.graph.outputs().iter().map(id).collect::<Result<_, _>>()?;
        let results = model.run(vec![(id(&input)?, zeros.into())], &outputs, None)?;
        let results: Vec<Tensor> = results.into_iter().map(tensor).collect::<Result<_, _>>()?;
        graph.apply_probe(&probe, &results)?;
        if complete {
            return Ok(());
        }
    }
}

fn tensor(value: Value) -> Result<Tensor, Box<dyn Error>> {
    let integers = |data: Vec<i32>| data.into_iter().map(i64::from).collect::<Vec<_>>();
    Ok(match value {
        Value::FloatTensor(t) => Tensor::from_f32s(t.shape(), &t.to_vec())
            .ok_or("the elements of a tensor do not match its shape")?,
        Value::Int32Tensor(t) => {
            let flat = Tensor::from_i64s(&integers(t.to_vec()));
            let bytes = flat.bytes().cloned().unwrap_or_default();
            Tensor::from_bytes(flat.dtype(), t.shape().to_vec(), bytes)
                .ok_or("the elements of a tensor do not match its shape")?
        }
        _ => return Err("the probe has an output that is neither float nor integer".into()),
    })
}
