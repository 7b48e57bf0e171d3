//! A session of ONNX Runtime runs one graph.

use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayD, ArrayViewD};
use ort::session::{OutputSelector, RunOptions, Session as OrtSession, SessionInputValue};
use ort::value::{DynValue, TensorElementType, TensorRef, ValueType};

use super::library::failure;
use crate::array::Array;
use crate::engine::traits::Session;
use crate::{Error, Result};

/// A graph that ONNX Runtime has loaded.
pub(super) struct Loaded {
    /// `ort` lets one thread at a time run a session.
    pub(super) session: Mutex<OrtSession>,
    /// The weights that are passed with each run, by name.
    pub(super) passed: Vec<(String, Arc<DynValue>)>,
}

impl Session for Loaded {
    fn run(&self, inputs: &[(&str, ArrayViewD<'_, f32>)], outputs: &[&str]) -> Result<Vec<Array>> {
        let contiguous: Vec<_> = inputs.iter().map(|(_, x)| x.as_standard_layout()).collect();
        let mut feeds: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for ((name, _), x) in inputs.iter().zip(&contiguous) {
            let shape: Vec<i64> = x.shape().iter().map(|d| *d as i64).collect();
            let data = x.as_slice().unwrap_or_default();
            let value = TensorRef::from_array_view((shape, data))
                .map_err(|e| failure("cannot take the input", &e))?;
            feeds.push((*name, value.into()));
        }
        feeds.extend(self.passed.iter().map(|(name, weight)| (name.as_str(), (&**weight).into())));
        let selected = outputs.iter().fold(OutputSelector::no_default(), |s, name| s.with(*name));
        let options = RunOptions::new().map_err(|e| failure("cannot be set up", &e))?;
        let options = options.with_outputs(selected);
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let values = session
            .run_with_options(feeds, &options)
            .map_err(|e| failure("cannot run the model", &e))?;
        outputs
            .iter()
            .map(|name| values.get(*name).and_then(array))
            .collect::<Option<_>>()
            .ok_or_else(|| Error::failure("ONNX Runtime returned a value of another type"))
    }
}

/// A value as an array; `None` if it is no tensor of numbers.
fn array(value: &DynValue) -> Option<Array> {
    let ValueType::Tensor { ty, shape, .. } = value.dtype() else { return None };
    let shape: Vec<usize> =
        shape.iter().map(|d| usize::try_from(*d).ok()).collect::<Option<_>>()?;
    let ints = |data| ArrayD::from_shape_vec(shape.clone(), data).ok().map(Array::Ints);
    match ty {
        TensorElementType::Float32 => {
            let (_, data) = value.try_extract_tensor::<f32>().ok()?;
            ArrayD::from_shape_vec(shape.clone(), data.to_vec()).ok().map(Array::Floats)
        }
        TensorElementType::Int64 => ints(value.try_extract_tensor::<i64>().ok()?.1.to_vec()),
        TensorElementType::Int32 => {
            ints(value.try_extract_tensor::<i32>().ok()?.1.iter().map(|i| i64::from(*i)).collect())
        }
        TensorElementType::Bool => {
            ints(value.try_extract_tensor::<bool>().ok()?.1.iter().map(|b| i64::from(*b)).collect())
        }
        _ => None,
    }
}
