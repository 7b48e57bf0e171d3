//! Stored values become units such as Hounsfield's, and these become grey (DICOM PS3.3, C.11.1 and C.11.2).

use super::elements::{DataSet, words};
use super::header::tags;
use crate::Note;
use crate::input::picture::codecs::windowed::share;

/// A look-up table.
pub(super) struct Table {
    /// The value of the first entry.
    first: f64,
    entries: Vec<u16>,
    /// The bits of an entry.
    bits: u16,
}

impl Table {
    /// The table of a descriptor (number of entries, first value, bits of an entry) and its data.
    pub(super) fn read(
        set: &DataSet<'_>,
        descriptor: u32,
        data: u32,
        signed: bool,
    ) -> Option<Table> {
        let mut descriptor = words(set.bytes(descriptor)?);
        let (count, first, bits) = (descriptor.next()?, descriptor.next()?, descriptor.next()?);
        let count = if count == 0 { 1 << 16 } else { usize::from(count) };
        let data = set.bytes(data)?;
        let entries: Vec<u16> = if bits <= 8 && data.len() < 2 * count {
            data.iter().take(count).map(|byte| u16::from(*byte)).collect()
        } else {
            words(data).take(count).collect()
        };
        let first = if signed { f64::from(first as i16) } else { f64::from(first) };
        let sound = entries.len() == count && (1..=16).contains(&bits);
        sound.then_some(Table { first, entries, bits })
    }

    /// The entry of a value; those beyond the ends have the entries at the ends.
    pub(super) fn entry(&self, value: f64) -> f64 {
        // Conversion to an integer turns values below 0 into 0.
        let index = (value - self.first) as usize;
        f64::from(self.entries[index.min(self.entries.len() - 1)])
    }

    /// The same from 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        self.entry(value) / f64::from((1_u32 << self.bits) - 1)
    }
}

/// How stored values become units: by a table, or times a slope and plus an intercept.
pub(super) enum Modality {
    Table(Table),
    Linear { slope: f64, intercept: f64 },
}

impl Modality {
    /// That of a frame, counted from 0.
    pub(super) fn read(set: &DataSet<'_>, frame: usize, signed: bool) -> Modality {
        let table = set.item(tags::MODALITY_LUTS, 0);
        let table =
            table.and_then(|item| Table::read(&item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, signed));
        let number =
            |tag: u32| of_frame(set, tags::FRAME_TRANSFORMATION, frame, &|s| s.number(tag));
        match table {
            Some(table) => Modality::Table(table),
            None => Modality::Linear {
                slope: number(tags::RESCALE_SLOPE).unwrap_or(1.0),
                intercept: number(tags::RESCALE_INTERCEPT).unwrap_or(0.0),
            },
        }
    }

    pub(super) fn units(&self, value: f64) -> f64 {
        match self {
            Modality::Table(table) => table.entry(value),
            Modality::Linear { slope, intercept } => value * slope + intercept,
        }
    }
}

/// How units become grey, from 0 (black in MONOCHROME2) to 1.
pub(super) enum Voi {
    Table(Table),
    /// Linear between two values.
    Linear {
        low: f64,
        high: f64,
    },
    Sigmoid {
        center: f64,
        width: f64,
    },
}

impl Voi {
    /// What the file says of a frame, counted from 0: its first table, else its first window.
    pub(super) fn read(set: &DataSet<'_>, frame: usize, signed: bool) -> Option<Voi> {
        let table = of_frame(set, tags::FRAME_VOI, frame, &|s| {
            let item = s.item(tags::VOI_LUTS, 0)?;
            Table::read(&item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, signed)
        });
        if let Some(table) = table {
            return Some(Voi::Table(table));
        }
        of_frame(set, tags::FRAME_VOI, frame, &|s| {
            let (center, width) = (s.number(tags::WINDOW_CENTER)?, s.number(tags::WINDOW_WIDTH)?);
            match s.text(tags::VOI_LUT_FUNCTION).unwrap_or("LINEAR") {
                _ if width <= 0.0 => None,
                "SIGMOID" => Some(Voi::Sigmoid { center, width }),
                "LINEAR_EXACT" => {
                    Some(Voi::Linear { low: center - width / 2.0, high: center + width / 2.0 })
                }
                _ => Some(Voi::Linear {
                    low: center - 0.5 - (width - 1.0) / 2.0,
                    high: center - 0.5 + (width - 1.0) / 2.0,
                }),
            }
        })
    }

    pub(super) fn share(&self, value: f64) -> f64 {
        match self {
            Voi::Table(table) => table.share(value),
            // A window of one value divides black from white.
            Voi::Linear { low, high } if low == high => f64::from(u8::from(value > *low)),
            Voi::Linear { low, high } => share(value, *low, *high),
            Voi::Sigmoid { center, width } => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
        }
    }

    /// What it does, in a sentence.
    pub(super) fn note(&self) -> Note {
        let to_grey = match self {
            Voi::Table(_) => "by its look-up table (VOI LUT)".to_owned(),
            Voi::Linear { low, high } => format!("from {low} to {high} by its window"),
            Voi::Sigmoid { center, width } => {
                format!("by a sigmoid around {center} that is {width} wide")
            }
        };
        Note::new(format!("the DICOM file's values become black to white {to_grey}"))
    }
}

/// What the file says itself, or in the functional groups of a frame, or in those that all frames share.
fn of_frame<T>(
    set: &DataSet<'_>,
    group: u32,
    frame: usize,
    read: &dyn Fn(&DataSet<'_>) -> Option<T>,
) -> Option<T> {
    let of_groups = |groups: Option<DataSet<'_>>| read(&groups?.item(group, 0)?);
    read(set)
        .or_else(|| of_groups(set.item(tags::GROUPS_OF_FRAMES, frame)))
        .or_else(|| of_groups(set.item(tags::SHARED_GROUPS, 0)))
}
