//! A model is read from its file, and its weights from files in the same folder, never from elsewhere.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use onnx_grad::{ExternalData, Graph};
use sha2::{Digest, Sha256};

use super::file_buf::FileBuf;
use super::foreign;
use crate::error::unsupported;
use crate::printable::quoted;
use crate::{Error, Result};

/// A model that was read from its file.
pub(crate) struct ModelFile {
    pub(crate) graph: Graph,
    /// SHA-256 of the file's bytes, without weights in other files, in hexadecimal.
    pub(crate) sha256: String,
}

/// The most bytes of a model that comes through a pipe, which says no size: twice as many as an ONNX file may have.
const LARGEST_PIPED: u64 = 4 << 30;

impl ModelFile {
    /// Reads a model file, and the weights beside it.
    ///
    /// # Errors
    /// If a file cannot be read, is no ONNX model, or names weights outside its folder.
    pub(crate) fn open(path: &Path) -> Result<ModelFile> {
        if path.is_dir() {
            return Err(foreign::folder(path));
        }
        let unreadable = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => Error::input(format!("there is no model {}", quoted(path))),
            _ => Error::input(format!("cannot read the model {}: {e}", quoted(path))),
        };
        let context = |e: Error| e.context(&format!("model {}", quoted(path)));
        let mut external = |data: &ExternalData| fetch(path, data);
        let file = File::open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        let is_file = about.is_file();
        let mut buf = if is_file {
            FileBuf::of_file(file, about.len())
        } else {
            FileBuf::of_pipe(file, LARGEST_PIPED)
        };
        let start = buf.start().to_vec();
        let graph = Graph::from_onnx(&mut buf, &mut external);
        buf.failure().map_err(unreadable)?;
        let graph = graph.map_err(|e| match e {
            onnx_grad::Error::NotOnnx(_) => {
                let recognized = if is_file {
                    foreign::recognize(path)
                } else {
                    // What came through a pipe is gone, but for its beginning.
                    foreign::recognize_bytes(&start).map(context)
                };
                recognized.unwrap_or_else(|| context(foreign::damaged(&e)))
            }
            _ => context(unsupported(e)),
        })?;
        Ok(ModelFile { graph, sha256: hexadecimal(buf.finish().map_err(unreadable)?) })
    }

    /// Reads a model in memory, which must hold all its weights.
    ///
    /// # Errors
    /// If the bytes are no ONNX model, or weights are missing.
    pub(crate) fn decode(bytes: Bytes) -> Result<ModelFile> {
        Self::parse(bytes, &mut |_| {
            Err("its weights lie in another file, and the model was not opened from disk".into())
        })
    }

    fn parse(bytes: Bytes, external: &mut onnx_grad::ReadExternal<'_>) -> Result<ModelFile> {
        let sha256 = hexadecimal(Sha256::new_with_prefix(&bytes));
        let graph = Graph::from_onnx(bytes.clone(), external);
        let graph = graph.map_err(|e| match e {
            onnx_grad::Error::NotOnnx(_) => {
                foreign::recognize_bytes(&bytes).unwrap_or_else(|| foreign::damaged(&e))
            }
            _ => unsupported(e),
        })?;
        Ok(ModelFile { graph, sha256 })
    }
}

/// All bytes of a model's file, for those that need more of it than its graph.
///
/// # Errors
/// If it can be read only once (a pipe), or not at all.
pub(crate) fn bytes(path: &Path) -> Result<Bytes> {
    match fs::metadata(path) {
        Ok(about) if !about.is_file() && !about.is_dir() => {
            Err(Error::input(format!("the model {} can be read only once", quoted(path)))
                .with_hint("save it in a file"))
        }
        Ok(about) if about.is_file() => {
            let read = fs::read(path).map(Bytes::from);
            read.map_err(|e| Error::input(format!("cannot read the model {}: {e}", quoted(path))))
        }
        // What is wrong is said where the model is opened.
        _ => Ok(Bytes::new()),
    }
}

fn hexadecimal(digest: Sha256) -> String {
    digest.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Reads weights from a file beside the model.
///
/// # Errors
/// If the file is outside the model's folder, cannot be read, or is too short; with the reason.
fn fetch(model: &Path, data: &ExternalData) -> std::result::Result<Bytes, String> {
    let path = within_folder(model, &data.location)?;
    let failed = |e| format!("cannot read its weights from {}: {e}", quoted(&path));
    // A pipe would be waited for.
    if !fs::metadata(&path).map_err(failed)?.is_file() {
        return Err(format!("cannot read its weights from {}: it is no file", quoted(&path)));
    }
    let mut file = File::open(&path).map_err(failed)?;
    let after = file.metadata().map_err(failed)?.len().checked_sub(data.offset);
    let length = after.and_then(|after| match data.length {
        Some(length) => (length <= after).then_some(length),
        None => Some(after),
    });
    let short = || {
        let what = if foreign::is_pointer(&path) {
            "a Git LFS pointer, not the file that it points to (git lfs pull)"
        } else {
            "too short"
        };
        format!("{} is {what}: weights are missing", quoted(&path))
    };
    let length = length.ok_or_else(short)?;
    file.seek(SeekFrom::Start(data.offset)).map_err(failed)?;
    let mut bytes = Vec::with_capacity(length as usize);
    let count = file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    if count as u64 == length { Ok(bytes.into()) } else { Err(short()) }
}

/// The path of a file of weights, which must be in the model's folder or, if the model is a link, in that of the file
/// that it links to.
///
/// # Errors
/// If it is elsewhere, or not there; with the reason.
pub(crate) fn within_folder(model: &Path, location: &str) -> std::result::Result<PathBuf, String> {
    let refused =
        || format!("refused to read its weights from '{location}', outside the model's folder");
    let relative = Path::new(location);
    let plain = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || !relative.components().all(plain) {
        return Err(refused());
    }
    let parent = |p: &Path| p.parent().unwrap_or(Path::new("")).to_owned();
    let path = parent(model).join(relative);
    let real = fs::canonicalize(&path)
        .map_err(|e| format!("cannot read its weights from {}: {e}", quoted(&path)))?;
    let real_model = fs::canonicalize(model).map_err(|e| e.to_string())?;
    let folder = fs::canonicalize(match parent(model) {
        p if p.as_os_str().is_empty() => PathBuf::from("."),
        p => p,
    });
    let folders = [Ok(parent(&real_model)), folder];
    let inside = folders.iter().flatten().any(|f| real.starts_with(f));
    if inside { Ok(path) } else { Err(refused()) }
}
