//! Checks gradient rules against finite differences.

use std::collections::BTreeSet;

use super::{Case, Draw, Random, learn, run};
use crate::graph::{Graph, ValueId};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// A case whose shapes are known: its graph, its differentiable inputs and its outputs.
struct Prepared {
    graph: Graph,
    inputs: Vec<(ValueId, Tensor)>,
    outputs: Vec<ValueId>,
}

impl Prepared {
    /// A cotangent for each output.
    fn dys(&self, draw: impl FnMut(&[usize]) -> Tensor) -> Vec<Tensor> {
        self.outputs.iter().map(|o| self.graph.shape(*o).expect("learnt")).map(draw).collect()
    }
}

impl Prepared {
    /// The differentiable inputs with these elements.
    fn at(&self, elements: &[&[f32]]) -> Vec<(ValueId, Tensor)> {
        let fitting = |x: &Tensor, data| Tensor::from_f32s(x.shape(), data).expect("fits");
        self.inputs.iter().zip(elements).map(|((id, x), data)| (*id, fitting(x, data))).collect()
    }
}

fn ones(shape: &[usize]) -> Tensor {
    Tensor::from_f32s(shape, &vec![1.0; shape.iter().product()]).unwrap()
}

impl Case {
    /// The case's graph in operators that the engine has, all shapes learnt.
    fn prepared(&self) -> Prepared {
        let (mut graph, inputs, outputs) = self.graph();
        learn(&mut graph);
        let graph = graph.decompose().unwrap_or_else(|e| panic!("{}: {e}", self.op));
        Prepared { graph, inputs, outputs }
    }

    /// The graph with the gradients of sum(outputs * dys) appended, as its outputs.
    fn with_gradient(&self, of: &Prepared, dys: &[Tensor]) -> Graph {
        let wrt: Vec<ValueId> = of.inputs.iter().map(|(id, _)| *id).collect();
        let tape = Tape::new(of.graph.clone());
        let score = of.outputs.iter().zip(dys).map(|(y, dy)| {
            let product = tape.var(*y) * tape.constant(dy.clone());
            product.sum(&(0..product.rank()).collect::<Vec<_>>()).reshape(&[])
        });
        let score = score.reduce(|a, b| a + b).expect("an output");
        let gradients: Vec<ValueId> = crate::vjp(&tape, score, tape.scalar(1.0), &wrt)
            .into_iter()
            .map(|g| g.unwrap_or_else(|e| panic!("{}: {e}", self.op)).expect("depends"))
            // Two inputs may have the same cotangent, but no two outputs may be the same value.
            .map(|g| g.unary("Identity").id())
            .collect();
        let mut graph = tape.into_graph().unwrap_or_else(|e| panic!("{}: {e}", self.op));
        graph.set_outputs(&gradients);
        graph
    }

    /// The gradients of the sum of all outputs, with respect to each differentiable input, where
    /// these inputs have the elements given.
    pub(crate) fn gradients(&self, at: &[&[f32]]) -> Vec<Vec<f32>> {
        let prepared = self.prepared();
        let with_gradient = self.with_gradient(&prepared, &prepared.dys(ones));
        let at = prepared.at(at);
        let at: Vec<_> = at.iter().map(|(id, x)| (*id, x)).collect();
        run(&with_gradient, &at).iter().map(|dx| dx.to_f32s().expect("floats")).collect()
    }

    /// The first output, where the differentiable inputs have the elements given.
    pub(crate) fn values(&self, at: &[&[f32]]) -> Vec<f32> {
        let prepared = self.prepared();
        let at = prepared.at(at);
        let at: Vec<_> = at.iter().map(|(id, x)| (*id, x)).collect();
        run(&prepared.graph, &at)[0].to_f32s().expect("floats")
    }

    /// Why the case's first input has no gradient, for nodes that no engine is asked to run: all
    /// of whose inputs and outputs have the shape of the first input.
    pub(crate) fn refused(&self) -> String {
        let (mut graph, inputs, outputs) = self.graph();
        let (x, shape) = (inputs[0].0, inputs[0].1.shape());
        outputs.iter().for_each(|y| graph.values[y.0].shape = Some(shape.to_vec()));
        let tape = Tape::new(graph);
        let dx = crate::vjp(&tape, tape.var(outputs[0]), tape.zeros(shape), &[x]).remove(0);
        dx.expect_err("refused").to_string()
    }

    /// The operators that the case's gradient and decomposition are written in.
    pub(crate) fn emitted(&self) -> BTreeSet<String> {
        let prepared = self.prepared();
        let graph = self.with_gradient(&prepared, &prepared.dys(ones));
        let appended = graph.nodes().filter(|(_, n)| n.name != "node");
        appended.map(|(_, n)| n.qualified_op()).collect()
    }

    /// Checks <dx, v> against (<dy, f(x + h v)> - <dy, f(x - h v)>) / 2h along random v, for each
    /// input by itself.
    pub(crate) fn check(&self) {
        if self.stepwise {
            return;
        }
        let prepared = self.prepared();
        let mut random = Random::new(99);
        let dys = prepared.dys(|shape| Draw::Range(-1.0, 1.0).tensor(shape, &mut random));
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
                    "{} with respect to input {i}: {found} in place of {expected}",
                    self.op
                );
            }
        }
    }
}
