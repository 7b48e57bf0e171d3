//! An execution provider is what ONNX Runtime computes with: the processor or an accelerator.

use std::str::FromStr;

use crate::{Error, Result};

/// What ONNX Runtime computes with: the processor, or an accelerator for which its library was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are ONNX Runtime's own")]
pub enum Provider {
    Cpu,
    Cuda,
    TensorRt,
    CoreMl,
    DirectMl,
    OpenVino,
    OneDnn,
    MiGraphX,
    Xnnpack,
    Qnn,
    WebGpu,
}

impl Provider {
    /// All providers with their names.
    pub const ALL: [(&'static str, Provider); 11] = [
        ("cpu", Provider::Cpu),
        ("cuda", Provider::Cuda),
        ("tensorrt", Provider::TensorRt),
        ("coreml", Provider::CoreMl),
        ("directml", Provider::DirectMl),
        ("openvino", Provider::OpenVino),
        ("onednn", Provider::OneDnn),
        ("migraphx", Provider::MiGraphX),
        ("xnnpack", Provider::Xnnpack),
        ("qnn", Provider::Qnn),
        ("webgpu", Provider::WebGpu),
    ];

    /// The provider's name, such as `cuda`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, p)| *p == self).map_or("", |(name, _)| name)
    }
}

impl FromStr for Provider {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, provider)| *provider).ok_or_else(|| {
            Error::input(format!("there is no execution provider '{name}'"))
                .with_hint(format!("choose from {}", Self::ALL.map(|(n, _)| n).join(", ")))
        })
    }
}
