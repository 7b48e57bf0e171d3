//! Finds the minimum of a function by gradient descent, with a gradient that onnx-grad writes:
//! `cargo run -p onnx-grad --example descent`
#![expect(clippy::print_stdout, reason = "the example reports to the terminal")]

use std::error::Error;

use onnx_grad::{Graph, Tape, vjp};
use rten::{Model, Value, ValueView};
use rten_tensor::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    // Rosenbrock's function: (1 - a)^2 + 100 (b - a^2)^2, with its minimum at (1, 1).
    let tape = Tape::new(Graph::new());
    let x = tape.input("x", &[2]);
    let (a, b) = (x.slice(0, 0, 1, 1), x.slice(0, 1, 1, 1));
    let y = (1.0 - a).squared() + (b - a.squared()).squared() * 100.0;
    let gradient = vjp(&tape, y, tape.scalar(1.0).expand(&[1]), &[x.id()]).remove(0)?;
    let gradient = gradient.ok_or("y does not depend on x")?;
    let outputs = [y.id(), gradient.id()];
    let mut graph = tape.into_graph()?;
    graph.set_outputs(&outputs);

    let model = Model::load(graph.to_onnx())?;
    let (mut point, mut speed) = ([-1.2f32, 1.0], [0.0f32; 2]);
    for step in 0..=4000 {
        let input = ValueView::from_shape(&[2], &point)?;
        let results =
            model.run(vec![(model.input_ids()[0], input.into())], model.output_ids(), None)?;
        let results: Vec<Vec<f32>> = results.into_iter().map(floats).collect::<Result<_, _>>()?;
        let [value, gradient] = &results[..] else {
            return Err("the model should have two outputs".into());
        };
        if step % 1000 == 0 {
            println!("step {step:4}: f({:.4}, {:.4}) = {:.6}", point[0], point[1], value[0]);
        }
        for i in 0..2 {
            speed[i] = 0.9 * speed[i] - 2e-4 * gradient[i];
            point[i] += speed[i];
        }
    }
    Ok(())
}

fn floats(value: Value) -> Result<Vec<f32>, Box<dyn Error>> {
    let tensor: rten_tensor::Tensor<f32> = value.try_into()?;
    Ok(tensor.to_vec())
}
