//! What has been measured so far, in a file that a later run goes on with.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smoothcam::{Error, Result, quoted};

use crate::metrics::Measured;

/// One thing that was looked at, with what each configuration gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// The picture's name, or the mosaic's number.
    pub name: String,
    /// The pictures that it is made of, with the classes explained of them.
    pub parts: Vec<Part>,
    /// For each configuration, what was measured.
    pub results: Vec<Measured>,
    /// Why nothing was measured, if nothing was.
    pub skipped: Option<String>,
}

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A picture.
    Picture,
    /// Four pictures of different classes.
    Mosaic,
    /// Four pictures, two of which are of the class that is explained.
    Repeated,
    /// A picture, explained again by classifiers that have forgotten what they learnt.
    Forgotten,
}

impl Kind {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Picture => "picture",
            Kind::Mosaic => "mosaic",
            Kind::Repeated => "repeated",
            Kind::Forgotten => "forgotten",
        }
    }
}

/// A picture and a class of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The picture's name.
    pub picture: String,
    /// The class that is explained.
    pub class: usize,
    /// Its probability.
    pub probability: f64,
    /// The class that the classifier predicts.
    pub predicted: usize,
}

/// The file: a line for what is evaluated, then a line for each record.
pub struct Records {
    file: File,
    path: PathBuf,
    known: Vec<Record>,
    names: HashSet<(Kind, String)>,
}

impl Records {
    /// Opens a file, or begins a new one, for an evaluation of this description. An unfinished last
    /// line (of a run that was stopped while it wrote) is dropped.
    ///
    /// # Errors
    /// If it cannot be written, is damaged, or holds another evaluation.
    pub fn open(path: &Path, description: &Value) -> Result<Records> {
        let about = |what: String| Error::input(format!("records {}: {what}", quoted(path)));
        let failed = |e: std::io::Error| about(e.to_string());
        let text = match fs::read_to_string(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(failed)?,
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines();
        let mut known = Vec::new();
        let begun = lines.next();
        if let Some(first) = begun {
            let other: Value = serde_json::from_str(first)
                .map_err(|e| about(format!("line 1 is damaged: {e}")))?;
            if other != *description {
                return Err(about(differences(&other, description)).with_hint(
                    "name another folder with --out, or delete this one's records to begin anew",
                ));
            }
            for (i, line) in lines.enumerate() {
                let record = serde_json::from_str(line)
                    .map_err(|e| about(format!("line {} is damaged: {e}", i + 2)))?;
                known.push(record);
            }
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed)?;
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let names = known.iter().map(|r: &Record| (r.kind, r.name.clone())).collect();
        let mut records = Records { file, path: path.to_owned(), known, names };
        if begun.is_none() {
            records.write(description)?;
        }
        Ok(records)
    }

    /// Whether there is a record of this.
    pub fn has(&self, kind: Kind, name: &str) -> bool {
        self.names.contains(&(kind, name.to_owned()))
    }

    /// Adds a record; it is on disk afterwards.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, record: Record) -> Result<()> {
        self.write(&record)?;
        self.names.insert((record.kind, record.name.clone()));
        self.known.push(record);
        Ok(())
    }

    /// All records.
    pub fn all(&self) -> &[Record] {
        &self.known
    }

    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        let failed =
            |e: String| Error::failure(format!("cannot write {}: {e}", quoted(&self.path)));
        let mut text = serde_json::to_string(line).map_err(|e| failed(e.to_string()))?;
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(|e| failed(e.to_string()))
    }
}

/// In which parts two descriptions differ.
fn differences(other: &Value, this: &Value) -> String {
    let empty = serde_json::Map::new();
    let parts = |v: &Value| v.as_object().cloned().unwrap_or_else(|| empty.clone());
    let (other, this) = (parts(other), parts(this));
    let keys = this.keys().chain(other.keys().filter(|k| !this.contains_key(*k)));
    let differing: Vec<&str> =
        keys.filter(|k| this.get(*k) != other.get(*k)).map(String::as_str).collect();
    format!("they are of another evaluation, with other {}", differing.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(name: &str) -> Record {
        let values = [("insertion".to_owned(), 0.1 + 0.2)].into();
        let results = vec![Measured { values, curves: [].into() }];
        let part = Part { picture: name.into(), class: 3, probability: 0.25, predicted: 1 };
        Record { kind: Kind::Picture, name: name.into(), parts: vec![part], results, skipped: None }
    }

    #[test]
    fn a_later_run_goes_on_where_one_was_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let plan = json!({"model": "a", "steps": 20});
        let mut records = Records::open(&path, &plan).unwrap();
        records.add(record("a")).unwrap();
        records.add(record("b")).unwrap();
        let whole = fs::read(&path).unwrap();
        // Stopped at any place, all whole lines count.
        for cut in [0, 1, 5, whole.len() / 2, whole.len() - 1, whole.len()] {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut again = Records::open(&path, &plan).unwrap();
            for name in ["a", "b"] {
                if !again.has(Kind::Picture, name) {
                    again.add(record(name)).unwrap();
                }
            }
            assert_eq!(again.all(), [record("a"), record("b")]);
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn kinds_have_one_name() {
        for kind in [Kind::Picture, Kind::Mosaic, Kind::Repeated, Kind::Forgotten] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn another_evaluation_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        drop(Records::open(&path, &json!({"model": "a", "steps": 20})).unwrap());
        for (plan, expected) in [
            (json!({"model": "b", "steps": 20}), "other model"),
            (json!({"model": "a"}), "other steps"),
            (json!({"model": "a", "steps": 20, "seeds": 3}), "other seeds"),
        ] {
            let error = Records::open(&path, &plan).err().unwrap().to_string();
            assert!(error.ends_with(expected), "{error}");
        }
        fs::write(&path, "no JSON\n").unwrap();
        assert!(Records::open(&path, &json!({})).is_err());
    }
}
