//! Which engine runs a model, and how.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::find;
use crate::{Error, Hint, Result};

/// Which engine runs a model, and how. The default takes ONNX Runtime where it is found, else the
/// built-in rten.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// The engine.
    pub choice: EngineChoice,
    /// ONNX Runtime's library (`libonnxruntime.so` and the like), or a folder that holds it;
    /// searched for if `None`.
    pub library: Option<PathBuf>,
    /// ONNX Runtime's execution providers, the preferred first; empty for the CPU.
    pub providers: Vec<Provider>,
    /// How many threads compute; `None` for one a core.
    pub threads: Option<usize>,
    /// How much memory weights and passes may take, about; `None` for as much as they need.
    pub memory: Option<Memory>,
}

/// An amount of memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory(pub u64);

impl FromStr for Memory {
    type Err = Error;

    /// Reads `800M`, `2G` or `1.5GB`: powers of ten, as drives have them; or plain bytes.
    fn from_str(text: &str) -> Result<Self> {
        let upper = text.trim().to_ascii_uppercase();
        let short = upper.strip_suffix('B').unwrap_or(&upper);
        let units = [('K', 1e3), ('M', 1e6), ('G', 1e9), ('T', 1e12)];
        let (number, unit) = units
            .iter()
            .find_map(|(letter, unit)| Some((short.strip_suffix(*letter)?, *unit)))
            .unwrap_or((short, 1.0));
        match number.trim().parse::<f64>().map(|n| n * unit) {
            Ok(bytes) if (1.0..1e18).contains(&bytes) => Ok(Memory(bytes as u64)),
            _ => Err(Error::input(format!("'{text}' is no amount of memory"))
                .with_hint("give bytes, or a number with K, M, G or T: 2G")),
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 as f64 {
            bytes if bytes < 1e9 => write!(f, "{:.0} MB", (bytes / 1e6).ceil()),
            bytes => write!(f, "{:.1} GB", bytes / 1e9),
        }
    }
}

/// The engine that runs a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// What the environment variable `SMOOTHCAM_ENGINE` says; else ONNX Runtime where it is
    /// found, else rten.
    #[default]
    Auto,
    /// rten, which is built in.
    Rten,
    /// ONNX Runtime, loaded at run time.
    OnnxRuntime,
}

impl EngineChoice {
    /// All names, as [`FromStr`] reads them.
    pub fn names() -> [&'static str; 3] {
        ["auto", "rten", "onnxruntime"]
    }
}

impl FromStr for EngineChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "auto" => Ok(EngineChoice::Auto),
            "rten" => Ok(EngineChoice::Rten),
            "onnxruntime" => Ok(EngineChoice::OnnxRuntime),
            _ => Err(Error::input(format!("there is no engine '{name}'"))
                .with_hint(format!("the engines are {}", Self::names().join(", ")))),
        }
    }
}

/// What ONNX Runtime computes with: the processor, or an accelerator that the library at hand was
/// built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // ONNX Runtime's own names
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
    /// All providers, by name.
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

    /// Its name.
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
                .with_hint(format!("the providers are {}", Self::ALL.map(|(n, _)| n).join(", ")))
        })
    }
}

/// The most threads that are used.
const MOST_THREADS: usize = 1024;

/// The engine that was decided on.
pub(super) enum Resolved {
    Rten,
    /// ONNX Runtime from this library; rten in its place if it cannot be used, unless it is
    /// `required`.
    OnnxRuntime {
        library: PathBuf,
        required: bool,
    },
}

impl EngineOptions {
    /// Decides on an engine.
    ///
    /// # Errors
    /// If ONNX Runtime is asked for and not there, or what is asked contradicts itself.
    pub(super) fn resolve(&self) -> Result<Resolved> {
        if !self.threads.is_none_or(|n| (1..=MOST_THREADS).contains(&n)) {
            return Err(Error::input(format!(
                "{} threads are asked for, expected 1 to {MOST_THREADS}",
                self.threads.unwrap_or(0)
            )));
        }
        let special = self.library.is_some() || !self.providers.is_empty();
        let choice = match self.choice {
            EngineChoice::Auto if special => EngineChoice::OnnxRuntime,
            EngineChoice::Auto => match std::env::var("SMOOTHCAM_ENGINE") {
                Ok(name) if !name.is_empty() => name
                    .parse()
                    .map_err(|e: Error| e.context("environment variable SMOOTHCAM_ENGINE"))?,
                _ => EngineChoice::Auto,
            },
            choice => choice,
        };
        let found = |library, required| Resolved::OnnxRuntime { library, required };
        match choice {
            EngineChoice::Rten if special => {
                let given = [
                    ("onnxruntime", self.library.is_some()),
                    ("provider", !self.providers.is_empty()),
                ];
                let given = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name);
                let other = Hint::set("engine", "onnxruntime", "use ONNX Runtime");
                Err(Error::input("rten has no library to load and no execution providers")
                    .with_hint(other.or(Hint::leave_out_all(&given.collect::<Vec<_>>()))))
            }
            EngineChoice::Rten => Ok(Resolved::Rten),
            EngineChoice::Auto => {
                Ok(find::library()?.map_or(Resolved::Rten, |library| found(library, false)))
            }
            EngineChoice::OnnxRuntime => {
                let library = match &self.library {
                    Some(path) => Some(find::within(path)?),
                    None => find::library()?,
                };
                library.map(|library| found(library, true)).ok_or_else(|| {
                    Error::input("ONNX Runtime's library is not found").with_hint(
                        Hint::advice("install it (pip install onnxruntime)")
                            .or(Hint::set("onnxruntime", "PATH", "say where it is"))
                            .or("name it in the environment variable ORT_DYLIB_PATH"),
                    )
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory() {
        for (text, bytes, shown) in [
            ("2G", 2_000_000_000, "2.0 GB"),
            ("1.5 gb", 1_500_000_000, "1.5 GB"),
            ("800M", 800_000_000, "800 MB"),
            ("1234567", 1_234_567, "2 MB"),
        ] {
            let memory: Memory = text.parse().unwrap();
            assert_eq!((memory.0, memory.to_string().as_str()), (bytes, shown));
        }
        for text in ["", "G", "-1G", "0", "2X", "1e30", "NaN"] {
            assert!(text.parse::<Memory>().is_err(), "{text}");
        }
    }
}
