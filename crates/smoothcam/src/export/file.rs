//! Writes an exported model: one file, or two where its weights do not fit into one.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use onnx_grad::{ExtendedModel, ExternalData, MovedWeight};

use crate::error::unsupported;
use crate::load::model_file::within_folder;
use crate::printable::quoted;
use crate::write::write_file_with;
use crate::{Error, Result, write_file};

/// A protobuf message holds less than 2 GiB.
const MOST_BYTES: usize = (1 << 31) - 1;

/// Where weights are written that do not fit into a model at this path.
pub fn weights_path(model: impl AsRef<Path>) -> PathBuf {
    let model = model.as_ref();
    let name = model.file_name().unwrap_or_default().to_string_lossy();
    model.with_file_name(format!("{name}.data"))
}

/// A model that is to be written.
pub(crate) struct Unwritten {
    pub(crate) extended: ExtendedModel,
    /// Where the model lies that it continues.
    pub(crate) source: Option<PathBuf>,
}

impl Unwritten {
    /// Writes the model, and beside it, where the weights do not fit into a file or lie outside of the
    /// source's, a file with the weights: the files that were written. Weights that lie beside the
    /// source stay where they are if the model is written to the same folder.
    ///
    /// # Errors
    /// If a file cannot be written, or the source's weights be read.
    pub(crate) fn write(self, path: &Path) -> Result<Vec<PathBuf>> {
        self.write_within(path, MOST_BYTES)
    }

    /// The same with another limit of the file's size.
    fn write_within(mut self, path: &Path, most: usize) -> Result<Vec<PathBuf>> {
        let moves = self.extended.has_external_weights() && !self.beside_source(path);
        let mut written = Vec::new();
        if moves || self.extended.size() > most {
            let data = weights_path(path);
            let location = data.file_name().unwrap_or_default().to_string_lossy();
            let weights = self.extended.move_weights(&location).map_err(unsupported)?;
            write_file_with(&data, |file| self.write_weights(file, &weights))?;
            written.push(data);
        }
        write_file(path, &self.extended.to_onnx())?;
        written.insert(0, path.to_owned());
        Ok(written)
    }

    /// Whether a path is in the folder of the source.
    fn beside_source(&self, path: &Path) -> bool {
        let folder = |p: &Path| match p.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => fs::canonicalize(parent).ok(),
            _ => fs::canonicalize(".").ok(),
        };
        self.source.as_deref().is_some_and(|s| folder(s).is_some() && folder(s) == folder(path))
    }

    fn write_weights(&self, file: &mut dyn Write, weights: &[(u64, MovedWeight)]) -> Result<()> {
        let failed = |e: std::io::Error| Error::failure(format!("cannot write the weights: {e}"));
        let mut at = 0;
        for (offset, weight) in weights {
            let zeros = vec![0; (offset - at) as usize];
            file.write_all(&zeros).map_err(failed)?;
            at = *offset
                + match weight {
                    MovedWeight::Bytes(bytes) => {
                        file.write_all(bytes).map_err(failed)?;
                        bytes.len() as u64
                    }
                    MovedWeight::External(data) => self.copy(data, file)?,
                };
        }
        Ok(())
    }

    /// Copies weights from beside the source.
    fn copy(&self, data: &ExternalData, to: &mut dyn Write) -> Result<u64> {
        let lost = |e: String| Error::input(format!("cannot read the model's weights: {e}"));
        let source = self.source.as_deref().ok_or_else(|| lost("they are in no file".into()))?;
        let path = within_folder(source, &data.location).map_err(lost)?;
        let failed = |e: std::io::Error| lost(format!("{}: {e}", quoted(&path)));
        let mut file = File::open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(data.offset)).map_err(failed)?;
        let length = data.length.unwrap_or_default();
        let copied = std::io::copy(&mut file.take(length), to).map_err(failed)?;
        if copied == length {
            Ok(copied)
        } else {
            Err(lost(format!("{} is too short", quoted(&path))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Explainer, Export, Settings};

    fn digits() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/model.onnx")
    }

    fn exported(model: &Path) -> Unwritten {
        let settings = Settings { method: "grad-cam".parse().unwrap(), ..Settings::default() };
        let export = Export { settings, ..Export::default() };
        Explainer::builder().model(model).export(&export).unwrap().file
    }

    /// The scores of a picture, of a model whose weights may lie in another file.
    fn scores(model: &Path) -> Vec<f32> {
        let explainer = Explainer::builder().model(model).build().unwrap();
        let picture = ndarray::Array4::from_elem((1, 3, 96, 96), 0.25);
        explainer.forward(&picture).unwrap().to_vec()
    }

    #[test]
    fn what_does_not_fit_into_a_file_goes_into_two() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("large.onnx");
        let written = exported(&digits()).write_within(&model, 100_000).unwrap();
        let data = folder.path().join("large.onnx.data");
        assert_eq!(written, [model.clone(), data.clone()]);
        assert!(fs::metadata(&model).unwrap().len() < 100_000);
        assert!(fs::metadata(&data).unwrap().len() > 1_000_000);
        assert_eq!(scores(&model), scores(&digits()));

        // Beside it, its weights stay where they are; elsewhere they are copied.
        let beside = folder.path().join("again.onnx");
        let stay = exported(&model).write(&beside).unwrap();
        assert_eq!(stay, std::slice::from_ref(&beside));
        assert_eq!(scores(&beside), scores(&digits()));
        let other = tempfile::tempdir().unwrap();
        let there = other.path().join("there.onnx");
        let unwritten = exported(&model);
        assert_eq!(unwritten.write(&there).unwrap().len(), 2);
        assert_eq!(scores(&there), scores(&digits()));

        let unwritten = exported(&model);
        fs::write(&data, [0; 16]).unwrap();
        let error = unwritten.write(&other.path().join("short.onnx")).err().unwrap();
        assert!(error.to_string().contains("too short"), "{error}");
        let left = fs::read_dir(other.path()).unwrap().count();
        assert_eq!(left, 2, "nothing half-written is left");
    }
}
