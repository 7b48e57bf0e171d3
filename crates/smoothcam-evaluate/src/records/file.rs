//! Reads and writes the file of records: a line that describes the evaluation, then a line a record.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};
use smoothcam::{Error, Hint, Result, quoted};

use super::record::{Record, RecordKind};

/// A file of records in JSON lines, to which records are appended.
pub struct RecordFile {
    file: File,
    path: PathBuf,
    records: Vec<Record>,
    names: HashSet<(RecordKind, String)>,
}

impl RecordFile {
    /// Opens the file of an evaluation with this description, or creates it. An incomplete last line, left
    /// by a run that was stopped while it wrote, is dropped.
    ///
    /// # Errors
    /// If the file cannot be written, is damaged, or belongs to an evaluation with another description.
    pub fn open(path: &Path, description: &Value) -> Result<RecordFile> {
        let about = |what: String| Error::input(format!("records {}: {what}", quoted(path)));
        let failed = |e: std::io::Error| about(e.to_string());
        let damaged =
            |line: usize| move |e: serde_json::Error| about(format!("line {line} is damaged: {e}"));
        let text = match fs::read_to_string(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            read => read.map_err(failed)?,
        };
        let complete = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..complete].lines();
        let mut records: Vec<Record> = Vec::new();
        let first = lines.next();
        if let Some(first) = first {
            let recorded: Value = serde_json::from_str(first).map_err(damaged(1))?;
            if recorded != *description {
                let hint = Hint::set("out", "FOLDER", "write into another folder")
                    .or("delete the records to start anew");
                return Err(about(difference(&recorded, description)).with_hint(hint));
            }
            for (i, line) in lines.enumerate() {
                records.push(serde_json::from_str(line).map_err(damaged(i + 2))?);
            }
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed)?;
        file.set_len(complete as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let names = records.iter().map(|r| (r.kind, r.name.clone())).collect();
        let is_new = first.is_none();
        let mut file = RecordFile { file, path: path.to_owned(), records, names };
        if is_new {
            file.write_line(description)?;
        }
        Ok(file)
    }

    /// Whether the file has the record of an item.
    pub fn contains(&self, kind: RecordKind, name: &str) -> bool {
        self.names.contains(&(kind, name.to_owned()))
    }

    /// Appends a record and writes it to the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add(&mut self, record: Record) -> Result<()> {
        self.write_line(&record)?;
        self.names.insert((record.kind, record.name.clone()));
        self.records.push(record);
        Ok(())
    }

    /// Returns all records, in the order in which they were added.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    fn write_line(&mut self, content: &impl Serialize) -> Result<()> {
        let failed =
            |e: String| Error::failure(format!("cannot write {}: {e}", quoted(&self.path)));
        let mut line = serde_json::to_string(content).map_err(|e| failed(e.to_string()))?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(|e| failed(e.to_string()))
    }
}

/// Says in which keys two descriptions differ.
fn difference(recorded: &Value, expected: &Value) -> String {
    let empty = Map::new();
    let [recorded, expected] = [recorded, expected].map(|v| v.as_object().unwrap_or(&empty));
    let keys = expected.keys().chain(recorded.keys().filter(|k| !expected.contains_key(*k)));
    let differing: Vec<String> =
        keys.filter(|k| expected.get(*k) != recorded.get(*k)).map(|k| format!("'{k}'")).collect();
    format!("they are of another evaluation, which differs in {}", differing.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::metrics::measurements::Measurements;
    use crate::picture::classification::Classification;

    fn record(name: &str) -> Record {
        let values = [("insertion".to_owned(), 0.1 + 0.2)].into();
        let results = vec![Measurements { values, curves: [].into() }];
        let part =
            Classification { picture: name.into(), class: 3, probability: 0.25, predicted: 1 };
        Record {
            kind: RecordKind::Picture,
            name: name.into(),
            parts: vec![part],
            results,
            skipped: None,
        }
    }

    #[test]
    fn a_later_run_continues_where_one_was_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let description = json!({"model": "a", "steps": 20});
        let mut records = RecordFile::open(&path, &description).unwrap();
        records.add(record("a")).unwrap();
        records.add(record("b")).unwrap();
        let whole = fs::read(&path).unwrap();
        // Wherever the run was stopped, all complete lines count.
        for cut in [0, 1, 5, whole.len() / 2, whole.len() - 1, whole.len()] {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut again = RecordFile::open(&path, &description).unwrap();
            for name in ["a", "b"] {
                if !again.contains(RecordKind::Picture, name) {
                    again.add(record(name)).unwrap();
                }
            }
            assert_eq!(again.records(), [record("a"), record("b")]);
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn another_evaluation_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        drop(RecordFile::open(&path, &json!({"model": "a", "steps": 20})).unwrap());
        for (description, expected) in [
            (json!({"model": "b", "steps": 20}), "differs in 'model'"),
            (json!({"model": "a"}), "differs in 'steps'"),
            (json!({"model": "a", "steps": 20, "seeds": 3}), "differs in 'seeds'"),
        ] {
            let error = RecordFile::open(&path, &description).err().unwrap().to_string();
            assert!(error.ends_with(expected), "{error}");
        }
        fs::write(&path, "no JSON\n").unwrap();
        assert!(RecordFile::open(&path, &json!({})).is_err());
    }
}
