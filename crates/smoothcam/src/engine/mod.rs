//! What runs graphs. An engine's own types stay within its file.

mod rten;

pub(crate) use rten::{NAME, Session};

use ndarray::ArrayD;
use onnx_grad::Tensor;

/// What a session returns.
#[derive(Clone, Debug)]
pub(crate) enum Output {
    /// Floats.
    Floats(ArrayD<f32>),
    /// Integers or booleans.
    Ints(ArrayD<i64>),
}

impl Output {
    /// The content as a graph's constant, if it has a type that graphs keep.
    pub(crate) fn to_tensor(&self) -> Option<Tensor> {
        match self {
            Output::Floats(a) => Tensor::from_f32s(a.shape(), a.as_slice()?),
            Output::Ints(a) => {
                let bytes: Vec<u8> = a.iter().flat_map(|i| i.to_le_bytes()).collect();
                Tensor::from_bytes(onnx_grad::DType::I64, a.shape().to_vec(), bytes.into())
            }
        }
    }
}
