//! A method's formula is loaded once for a layer's shape, and computes maps from numbers.

use ndarray::{Array2, Array3, ArrayD, Axis, CowArray, Ix2, Ix3};
use onnx_grad::{Graph, Tape};
use serde::Serialize;

use super::evidence::Evidence;
use super::method::Method;
use crate::array::Array;
use crate::engine::{Engine, Runs, Session};
use crate::error::unsupported;
use crate::{Error, Result};

/// What a formula computes, in numbers.
pub(crate) struct Outcome {
    /// The map (h, w) with its negative evidence, in the score's units.
    pub(crate) map: Array2<f32>,
    /// The weights W of the activations, (K, 1, 1) or (K, h, w); `None` if the map is not sum_k W_k A_k.
    pub(crate) weights: Option<Array3<f32>>,
    /// `None` if the formula has no denominator.
    pub(crate) degenerate: Option<Degenerate>,
}

/// The neurons that Grad-CAM++'s derivation does not cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Degenerate {
    /// The number of all of them.
    pub neurons: usize,
    /// The number of those with a positive mean gradient: only these could have changed the map.
    pub with_positive_gradient: usize,
}

/// The names of what formulas read: the fields of [`Evidence`], in order.
const INPUTS: [&str; 5] = ["a", "d1", "d2", "d3", "chosen"];

/// A method's formula for layers of one shape, ready to be run.
pub(crate) struct LoadedMethod {
    session: Box<dyn Session>,
    /// Which of the inputs the formula reads.
    inputs: [bool; 5],
    outputs: Vec<String>,
    degree: i32,
    /// Whether weights are among the outputs.
    weighed: bool,
    /// Whether the numbers of degenerate neurons are.
    counted: bool,
}

impl LoadedMethod {
    /// Writes and loads a method's formula for a layer of shape (K, h, w).
    ///
    /// # Errors
    /// If the engine cannot run it.
    pub(crate) fn load(
        engine: &dyn Engine,
        method: Method,
        (k, h, w): (usize, usize, usize),
    ) -> Result<LoadedMethod> {
        let tape = Tape::new(Graph::new());
        let [a, d1, d2, d3, chosen] = INPUTS.map(|name| tape.input(name, &[1, k, h, w]));
        let formula = (method.spec().formula)(&Evidence { a, d1, d2, d3, chosen });
        let mut outputs = vec![formula.signed.id()];
        outputs.extend(formula.weights.map(|w| w.id()));
        outputs.extend(formula.degenerate.iter().flatten().map(|d| d.id()));
        let (weighed, counted) = (formula.weights.is_some(), formula.degenerate.is_some());
        let mut graph = tape.into_graph().map_err(unsupported)?;
        graph.set_outputs(&outputs);
        graph.drop_unused_inputs();
        let inputs = INPUTS.map(|name| graph.inputs().iter().any(|i| graph.value(*i).name == name));
        Ok(LoadedMethod {
            session: engine.load(&graph, Runs::Once)?,
            inputs,
            outputs: outputs.iter().map(|o| graph.value(*o).name.clone()).collect(),
            degree: method.spec().degree,
            weighed,
            counted,
        })
    }

    /// Computes the formula from the activations, the moments D1, D2, D3 and the neurons that take part (1, else 0), all
    /// (K, h, w).
    ///
    /// Gradients may be of any magnitude although the engine computes in float32: they are measured in a unit u that makes
    /// the largest about 1, and activations in 1/u, which changes the map by a known power of u.
    ///
    /// # Errors
    /// If the engine fails.
    pub(crate) fn compute(
        &self,
        a: &Array3<f32>,
        moments: &[Array3<f64>; 3],
        chosen: &Array3<f32>,
    ) -> Result<Outcome> {
        let unit = unit(moments);
        let value = |i: usize| match i {
            0 => a.mapv(|a| (f64::from(a) * unit) as f32).into(),
            4 => CowArray::from(chosen),
            power => {
                let factor = unit.powi(-(power as i32));
                moments[power - 1].mapv(|d| (d * factor) as f32).into()
            }
        };
        let of_formula = (0..INPUTS.len()).filter(|i| self.inputs[*i]);
        let values: Vec<(&str, CowArray<'_, f32, Ix3>)> =
            of_formula.map(|i| (INPUTS[i], value(i))).collect();
        let inputs: Vec<_> =
            values.iter().map(|(n, x)| (*n, x.view().insert_axis(Axis(0)).into_dyn())).collect();
        let names: Vec<&str> = self.outputs.iter().map(String::as_str).collect();
        let mut results = self.session.run(&inputs, &names)?.into_iter();
        let mut next = || match results.next() {
            // There is one picture.
            Some(Array::Floats(a)) if a.ndim() > 0 => Ok(a.index_axis_move(Axis(0), 0)),
            _ => Err(Error::failure("the engine lost a result of the formula")),
        };
        let lost = |_| Error::failure("the formula's result has another shape than the layer");
        let in_units = |x: ArrayD<f32>, power| x.mapv(|x| (f64::from(x) * unit.powi(power)) as f32);
        let signed = in_units(next()?.index_axis_move(Axis(0), 0), self.degree);
        let map = signed.into_dimensionality::<Ix2>().map_err(lost)?;
        let weights = if self.weighed {
            // A weight times an activation, which is in 1/u, has the map's unit.
            let weights = in_units(next()?, self.degree + 1);
            Some(weights.into_dimensionality::<Ix3>().map_err(lost)?)
        } else {
            None
        };
        let mut count = || next().map(|x| x.iter().sum::<f32>() as usize);
        let degenerate = if self.counted {
            Some(Degenerate { neurons: count()?, with_positive_gradient: count()? })
        } else {
            None
        };
        Ok(Outcome { map, weights, degenerate })
    }
}

/// A power of two, by which division is exact, near the largest gradient; 1 if all gradients are 0.
fn unit(moments: &[Array3<f64>; 3]) -> f64 {
    // Unlike the mean, the root mean square is not 0 where positive and negative gradients cancel.
    let largest = moments[1].iter().fold(0.0f64, |m, d| m.max(*d)).sqrt();
    if largest > 0.0 { largest.log2().round().exp2() } else { 1.0 }
}
