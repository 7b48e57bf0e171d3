//! Describes one measured item: a picture or a mosaic, and what each configuration's map measured.

use serde::{Deserialize, Serialize};

use crate::metrics::measurements::Measurements;
use crate::picture::classification::Classification;

/// What was measured of one item, or why nothing was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What the item is.
    pub kind: RecordKind,
    /// The picture's name or the mosaic's number.
    pub name: String,
    /// The picture, or the pictures of the mosaic, with their classes; empty if the item was skipped.
    pub parts: Vec<Classification>,
    /// What was measured, one for each configuration; empty if the item was skipped.
    pub results: Vec<Measurements>,
    /// Why the item was skipped; `None` if it was measured.
    pub skipped: Option<String>,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A picture.
    Picture,
    /// A mosaic of four pictures of different classes.
    Mosaic,
    /// A mosaic of four pictures, two of which are of the class that is explained.
    Repeated,
    /// A picture that is explained by the model and by copies of it with randomised weights.
    Randomized,
}

impl RecordKind {
    /// Returns its name in files.
    pub fn name(self) -> &'static str {
        match self {
            RecordKind::Picture => "picture",
            RecordKind::Mosaic => "mosaic",
            RecordKind::Repeated => "repeated",
            RecordKind::Randomized => "randomized",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RecordKind;

    #[test]
    fn a_kind_has_the_same_name_in_all_files() {
        use RecordKind::{Mosaic, Picture, Randomized, Repeated};
        for kind in [Picture, Mosaic, Repeated, Randomized] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
