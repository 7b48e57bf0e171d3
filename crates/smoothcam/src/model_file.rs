//! Reads a model from disk, and nothing but the model: its weights may lie in other files, but
//! only in its own folder.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use onnx_grad::{ExternalData, Graph};
use sha2::{Digest, Sha256};

use crate::network::unsupported;
use crate::printable::{printable, quoted};
use crate::{Error, Result};

/// A model as it was read.
pub(crate) struct ModelFile {
    pub(crate) graph: Graph,
    /// SHA-256 of the file's bytes (external weights not among them), in hexadecimal.
    pub(crate) sha256: String,
}

impl ModelFile {
    /// Reads a model file and the weights stored beside it.
    ///
    /// # Errors
    /// If a file cannot be read, is no ONNX model, or refers to files outside its folder.
    pub(crate) fn open(path: &Path) -> Result<ModelFile> {
        if path.is_dir() {
            return Err(Error::input(format!(
                "{} is a folder, but an ONNX file is expected",
                quoted(path)
            ))
            .with_hint("name the .onnx file inside it"));
        }
        let bytes = fs::read(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                Error::input(format!("there is no model {}", quoted(path)))
            }
            _ => Error::input(format!("cannot read the model {}: {e}", quoted(path))),
        })?;
        let mut weights = WeightFiles { model: path, read: HashMap::new() };
        Self::parse(bytes.into(), &mut |data| weights.fetch(data))
            .map_err(|e| e.context(&format!("model {}", quoted(path))))
    }

    /// Reads a model from memory; it must hold all its weights.
    ///
    /// # Errors
    /// If the bytes are no ONNX model.
    pub(crate) fn decode(bytes: Bytes) -> Result<ModelFile> {
        Self::parse(bytes, &mut |_| {
            Err("its weights lie in another file, and the model was not opened from disk".into())
        })
    }

    fn parse(bytes: Bytes, external: &mut onnx_grad::ReadExternal<'_>) -> Result<ModelFile> {
        let sha256 = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        let graph = Graph::from_onnx(bytes, external).map_err(unsupported)?;
        Ok(ModelFile { graph, sha256 })
    }
}

/// The files beside a model that hold weights.
struct WeightFiles<'a> {
    model: &'a Path,
    read: HashMap<PathBuf, Bytes>,
}

impl WeightFiles<'_> {
    fn fetch(&mut self, data: &ExternalData) -> std::result::Result<Bytes, String> {
        let path = self.within_folder(&data.location)?;
        let bytes = match self.read.get(&path) {
            Some(bytes) => bytes.clone(),
            None => {
                let bytes = fs::read(&path)
                    .map_err(|e| format!("cannot read its weights from {}: {e}", quoted(&path)))?;
                self.read.entry(path.clone()).or_insert(bytes.into()).clone()
            }
        };
        let start = usize::try_from(data.offset).ok();
        let length = data.length.map_or(Some(None), |l| usize::try_from(l).ok().map(Some));
        let range = start.zip(length).and_then(|(start, length)| {
            let end = length.map_or(Some(bytes.len()), |l| start.checked_add(l))?;
            (start <= end && end <= bytes.len()).then_some(start..end)
        });
        match range {
            Some(range) => Ok(bytes.slice(range)),
            None => Err(format!("{} is too short: weights are missing", quoted(&path))),
        }
    }

    /// The place of a weight file, if it is within the model's folder (or, for linked files, the
    /// folder that the model itself is linked from).
    fn within_folder(&self, location: &str) -> std::result::Result<PathBuf, String> {
        let refused = || {
            format!(
                "refused to read its weights from '{}', outside the model's folder",
                printable(location)
            )
        };
        let relative = Path::new(location);
        let plain = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
        if location.is_empty() || !relative.components().all(plain) {
            return Err(refused());
        }
        let parent = |p: &Path| p.parent().unwrap_or(Path::new("")).to_owned();
        let path = parent(self.model).join(relative);
        let real = fs::canonicalize(&path)
            .map_err(|e| format!("cannot read its weights from {}: {e}", quoted(&path)))?;
        let model = fs::canonicalize(self.model).map_err(|e| e.to_string())?;
        let folder = fs::canonicalize(match parent(self.model) {
            p if p.as_os_str().is_empty() => PathBuf::from("."),
            p => p,
        });
        let folders = [Ok(parent(&model)), folder];
        let inside = folders.iter().flatten().any(|f| real.starts_with(f));
        if inside { Ok(path) } else { Err(refused()) }
    }
}
