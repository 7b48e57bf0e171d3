//! Checks the gradient of a case against finite differences.

use std::collections::BTreeSet;

use super::case::Case;
use super::engine::run;
use super::random::{Draw, Random};
use super::shapes::infer_shapes;
use crate::graph::{Graph, ValueId};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// The graph of a case with all shapes, its differentiable inputs and its outputs.
struct Prepared {
    graph: Graph,
    inputs: Vec<(ValueId, Tensor)>,
    outputs: Vec<ValueId>,
}

impl Prepared {
    /// A cotangent for each output.
    fn cotangents(&self, draw: impl FnMut(&[usize]) -> Tensor) -> Vec<Tensor> {
        self.outputs.iter().map(|o| self.graph.shape(*o).expect("known")).map(draw).collect()
    }

    /// The differentiable inputs with these elements.
    fn inputs_at(&self, elements: &[&[f32]]) -> Vec<(ValueId, Tensor)> {
        let fitting = |x: &Tensor, data| Tensor::from_f32s(x.shape(), data).expect("fits");
        self.inputs.iter().zip(elements).map(|((id, x), data)| (*id, fitting(x, data))).collect()
    }
}

fn ones(shape: &[usize]) -> Tensor {
    Tensor::from_f32s(shape, &vec![1.0; shape.iter().product()]).unwrap()
}

impl Case {
    /// The case's graph, decomposed, with all shapes.
    fn prepared(&self) -> Prepared {
        let (mut graph, inputs, outputs) = self.graph();
        infer_shapes(&mut graph);
        let graph = graph.decompose().unwrap_or_else(|e| panic!("{}: {e}", self.op));
        Prepared { graph, inputs, outputs }
    }

    /// The graph with the gradients of sum(outputs * dys) appended, which are its outputs.
    fn with_gradient(&self, prepared: &Prepared, dys: &[Tensor]) -> Graph {
        let wrt: Vec<ValueId> = prepared.inputs.iter().map(|(id, _)| *id).collect();
        let tape = Tape::new(prepared.graph.clone());
        let score = prepared.outputs.iter().zip(dys).map(|(y, dy)| {
            let product = tape.var(*y) * tape.constant(dy.clone());
            product.sum(&(0..product.rank()).collect::<Vec<_>>()).reshape(&[])
        });
        let score = score.reduce(|a, b| a + b).expect("an output");
        let gradients: Vec<ValueId> = crate::vjp(&tape, score, tape.scalar(1.0), &wrt)
            .into_iter()
            .map(|g| g.unwrap_or_else(|e| panic!("{}: {e}", self.op)).expect("depends"))
            // Two inputs may have the same cotangent, but a graph's outputs must differ.
            .map(|g| g.unary("Identity").id())
            .collect();
        let mut graph = tape.into_graph().unwrap_or_else(|e| panic!("{}: {e}", self.op));
        graph.set_outputs(&gradients);
        graph
    }

    /// The gradients of the sum of all outputs with respect to each differentiable input, at these
    /// elements of the inputs.
    pub(crate) fn gradients(&self, at: &[&[f32]]) -> Vec<Vec<f32>> {
        let prepared = self.prepared();
        let with_gradient = self.with_gradient(&prepared, &prepared.cotangents(ones));
        let at = prepared.inputs_at(at);
        let at: Vec<_> = at.iter().map(|(id, x)| (*id, x)).collect();
        run(&with_gradient, &at).iter().map(|dx| dx.to_f32s().expect("floats")).collect()
    }

    /// The first output at these elements of the differentiable inputs.
    pub(crate) fn values(&self, at: &[&[f32]]) -> Vec<f32> {
        self.output(at).to_f32s().expect("floats")
    }

    /// The first output, which is of integers or booleans.
    pub(crate) fn whole_values(&self, at: &[&[f32]]) -> Vec<i64> {
        self.output(at).to_i64s().expect("integers")
    }

    fn output(&self, at: &[&[f32]]) -> Tensor {
        let prepared = self.prepared();
        let at = prepared.inputs_at(at);
        let at: Vec<_> = at.iter().map(|(id, x)| (*id, x)).collect();
        run(&prepared.graph, &at).remove(0)
    }

    /// The error for the gradient with respect to the first input. No engine runs the node, so all
    /// of its outputs must have the shape of the first input.
    pub(crate) fn gradient_error(&self) -> String {
        let (mut graph, inputs, outputs) = self.graph();
        let (x, shape) = (inputs[0].0, inputs[0].1.shape());
        outputs.iter().for_each(|y| graph.values[y.0].shape = Some(shape.to_vec()));
        let tape = Tape::new(graph);
        let dx = crate::vjp(&tape, tape.var(outputs[0]), tape.zeros(shape), &[x]).remove(0);
        dx.expect_err("no gradient").to_string()
    }

    /// The operators of the case's decomposition and gradient.
    pub(crate) fn emitted(&self) -> BTreeSet<String> {
        let prepared = self.prepared();
        let graph = self.with_gradient(&prepared, &prepared.cotangents(ones));
        let appended = graph.nodes().filter(|(_, n)| n.name != "node");
        appended.map(|(_, n)| n.qualified_op()).collect()
    }

    /// Checks <dx, v> against (<dy, f(x + h v)> - <dy, f(x - h v)>) / 2h along random directions v,
    /// for each input by itself.
    pub(crate) fn check(&self) {
        if self.piecewise_constant {
            return;
        }
        let prepared = self.prepared();
        let mut random = Random::new(99);
        let dys = prepared.cotangents(|shape| Draw::Range(-1.0, 1.0).tensor(shape, &mut random));
        let with_gradient = self.with_gradient(&prepared, &dys);
        let Prepared { graph, inputs, .. } = prepared;
        let at: Vec<(ValueId, &Tensor)> = inputs.iter().map(|(id, x)| (*id, x)).collect();
        let dxs = run(&with_gradient, &at);

        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let h = if self.linear { 1.0 } else { 1.0 / 128.0 };
        for (i, (id, x)) in inputs.iter().enumerate() {
            let dx = dxs[i].to_f32s().unwrap();
            assert_eq!(dxs[i].shape(), x.shape(), "{}: shape of the gradient", self.op);
            for direction in 0..3 {
                let v = Draw::Range(-1.0, 1.0).tensor(x.shape(), &mut Random::new(7 + direction));
                let v = v.to_f32s().unwrap();
                let moved = |sign: f32| -> f64 {
                    let x = x.to_f32s().unwrap();
                    let moved: Vec<f32> = x.iter().zip(&v).map(|(x, v)| x + sign * h * v).collect();
                    let moved = Tensor::from_f32s(dxs[i].shape(), &moved).unwrap();
                    let at: Vec<(ValueId, &Tensor)> = inputs
                        .iter()
                        .map(|(other, x)| (*other, if other == id { &moved } else { x }))
                        .collect();
                    let ys = run(&graph, &at);
                    ys.iter()
                        .zip(&dys)
                        .map(|(y, dy)| dot(&y.to_f32s().unwrap(), &dy.to_f32s().unwrap()))
                        .sum()
                };
                let expected = (moved(1.0) - moved(-1.0)) / (2.0 * f64::from(h));
                let found = dot(&dx, &v);
                let scale = dx.iter().zip(&v).map(|(a, b)| f64::from((a * b).abs())).sum::<f64>();
                let tolerance = if self.linear { 1e-5 } else { 2e-3 };
                assert!(
                    (expected - found).abs() <= tolerance * scale.max(1e-3),
                    "{} with respect to input {i}: {found}, expected {expected}",
                    self.op
                );
            }
        }
    }
}
