//! DICOM files are decoded: their values go through modality and window to 8-bit grey, or are colours.
//!
//! Read are little-endian files, uncompressed, as run lengths, as JPEG of 8 bits or lossless JPEG, with samples of 8 or 16 bits.

mod elements;
mod frame;
mod header;
mod lossless;
mod samples;
mod tone;

use self::elements::DataSet;
use self::header::{Header, Syntax, tags};
use self::samples::Samples;
use self::tone::{Modality, Table, Voi};
use super::decoded::{Decoded, check_size};
use super::windowed::shown;
use crate::input::picture::decoding::Decoding;
use crate::input::picture::window::Window;
use crate::{Error, Hint, Note, Result};

/// Whether a file is DICOM.
pub(super) fn is_dicom(bytes: &[u8]) -> bool {
    elements(bytes).is_some()
}

/// The elements of a DICOM file. They follow 128 bytes of any content and a word that says DICOM, or stand, against the
/// standard, alone.
fn elements(bytes: &[u8]) -> Option<&[u8]> {
    const WORD: &[u8] = b"DICM";
    if bytes.get(128..132) == Some(WORD) {
        return bytes.get(132..);
    }
    // The length of the description; else an element of group 8, which comes first without a description.
    let begins = |start: &[u8]| bytes.starts_with(start);
    let first = match *bytes.first_chunk::<8>()? {
        [8, 0, 0 | 1 | 5 | 8 | 0x12 | 0x16 | 0x18, 0, b'A'..=b'Z', b'A'..=b'Z', ..] => true,
        [8, 0, 0 | 1 | 5 | 8 | 0x12 | 0x16 | 0x18, 0, length, 0, 0, 0] => length <= 64,
        _ => false,
    };
    (first || begins(b"\x02\0\0\0UL\x04\0")).then_some(bytes)
}

/// How the pixels of elements are stored that no description comes before.
fn undescribed(elements: &[u8]) -> Option<Syntax> {
    let explicit = elements.get(4..6)?.iter().all(u8::is_ascii_uppercase);
    elements.starts_with(&[8, 0]).then_some(Syntax::Native { explicit })
}

/// How many pixels a frame of a DICOM file has; `None` if the file does not say.
pub(super) fn pixels(bytes: &[u8]) -> Option<u64> {
    let rest = elements(bytes)?;
    let described = || DataSet::new(rest, true).text(tags::TRANSFER_SYNTAX);
    let syntax = undescribed(rest).or_else(|| Syntax::named(described()?).ok())?;
    let set = DataSet::new(after_description(rest), syntax != Syntax::Native { explicit: false });
    let header = Header::read(&set, syntax).ok()?;
    Some(u64::from(header.columns) * u64::from(header.rows))
}

/// Decodes a frame of a DICOM file; `name` is how messages call it.
///
/// # Errors
/// If the file is damaged, of a kind that is not read, or over the limits, or has no such frame.
pub(super) fn decode(bytes: &[u8], name: &str, decoding: &Decoding) -> Result<Decoded> {
    let wrong = |what: String| {
        Error::input(format!("the DICOM file {name} cannot be read: {what}"))
            .with_hint("convert it: gdcmconv --raw in.dcm out.dcm, or to a 16-bit PNG or TIFF")
    };
    let rest = elements(bytes).unwrap_or_default();
    let syntax = match undescribed(rest) {
        Some(syntax) => syntax,
        None => {
            // The elements that describe the file always say the kind of their values.
            let uid = DataSet::new(rest, true).text(tags::TRANSFER_SYNTAX);
            let uid = uid.ok_or_else(|| wrong("it does not say its transfer syntax".into()))?;
            Syntax::named(uid).map_err(wrong)?
        }
    };
    let set = DataSet::new(after_description(rest), syntax != Syntax::Native { explicit: false });
    if set.word(tags::ROWS).is_none() && set.bytes(tags::PIXEL_DATA).is_none() {
        return Err(Error::input(format!("the DICOM file {name} holds no picture")).with_hint(
            "reports, plans and structures have none: give the scan that they are about",
        ));
    }
    let header = Header::read(&set, syntax).map_err(wrong)?;
    check_size(header.columns, header.rows, name, &decoding.limits)?;
    let frame = decoding.frame.unwrap_or(1);
    if frame as usize > header.frames {
        return Err(Error::input(format!(
            "frame {frame} is requested, but the DICOM file {name} has {}",
            header.frames
        ))
        .with_hint(Hint::leave_out("frame")));
    }
    let index = frame as usize - 1;
    let pixels = set.bytes(tags::PIXEL_DATA);
    let pixels = pixels.ok_or_else(|| wrong("it has no pixels, or too few".into()))?;
    let (samples, is_rgb) =
        frame::samples(&header, pixels, index, &decoding.limits).map_err(wrong)?;
    let (rgb, note) =
        colours(&set, &header, samples, is_rgb, index, decoding.window).map_err(wrong)?;
    let mut notes: Vec<Note> = note.into_iter().collect();
    if header.frames > 1 {
        notes.push(Note::new(format!(
            "this is frame {frame} of {} of the DICOM file",
            header.frames
        )));
    }
    Ok(Decoded { width: header.columns, height: header.rows, rgb, notes })
}

/// What follows the elements that describe the file, which are those of group 2.
fn after_description(rest: &[u8]) -> &[u8] {
    DataSet::new(rest, true).after_group(2)
}

/// The RGB bytes of samples, and what the user should know.
///
/// # Errors
/// If their photometric interpretation is not supported, in words.
fn colours(
    set: &DataSet<'_>,
    header: &Header,
    samples: Samples,
    is_rgb: bool,
    frame: usize,
    window: Option<Window>,
) -> std::result::Result<(Vec<u8>, Option<Note>), String> {
    let grey = |inverted| Ok(greys(set, header, &samples, frame, window, inverted));
    match (header.photometric.as_str(), header.samples) {
        ("MONOCHROME1", 1) => grey(true),
        ("MONOCHROME2", 1) => grey(false),
        ("PALETTE COLOR", 1) => {
            let table = |i: usize| {
                let (descriptor, data) = (tags::PALETTE_DESCRIPTORS[i], tags::PALETTES[i]);
                Table::read(set, descriptor, data, header.signed)
            };
            let tables = [table(0), table(1), table(2)];
            let [Some(red), Some(green), Some(blue)] = tables else {
                return Err("its palette is missing, or damaged".into());
            };
            let tables = [red, green, blue];
            let colour = |value: f64| tables.each_ref().map(|table| byte(table.share(value)));
            Ok((stored(header, &samples).flat_map(colour).collect(), None))
        }
        ("RGB", 3) => Ok((bytes(header, samples), None)),
        (_, 3) if is_rgb => Ok((bytes(header, samples), None)),
        ("YBR_FULL" | "YBR_FULL_422", 3) => {
            let ybr = bytes(header, samples);
            Ok((ybr.chunks_exact(3).flat_map(|p| rgb_of([p[0], p[1], p[2]])).collect(), None))
        }
        (other, samples) => {
            Err(format!("its pixels are '{other}' of {samples} samples, which is not supported"))
        }
    }
}

/// The grey values of samples as RGB bytes, and how they came about.
fn greys(
    set: &DataSet<'_>,
    header: &Header,
    samples: &Samples,
    frame: usize,
    window: Option<Window>,
    inverted: bool,
) -> (Vec<u8>, Option<Note>) {
    let modality = Modality::read(set, frame, header.signed);
    let units = || stored(header, samples).map(|value| modality.units(value));
    let spread = || {
        let (low, high) = extremes(set, header, samples, &modality);
        Voi::Linear { low, high }
    };
    let own = || Voi::read(set, frame, header.signed);
    let is_byte = header.bits_stored == 8 && !header.signed;
    let ends = [0.0, 255.0].map(|value| modality.units(value));
    let plain = Voi::Linear { low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) };
    let (voi, note) = match window {
        Some(Window::Range(low, high)) => (Voi::Linear { low, high }, Some(shown(low, high))),
        Some(Window::Auto) => noted(spread()),
        None => match own() {
            Some(voi) => {
                let note = voi.note();
                (voi, Some(note))
            }
            None if is_byte => (plain, None),
            None => noted(spread()),
        },
    };
    let grey = |value: f64| {
        let share = voi.share(value);
        [byte(if inverted { 1.0 - share } else { share }); 3]
    };
    (units().flat_map(grey).collect(), note)
}

/// A window, and that its values are shown.
fn noted(voi: Voi) -> (Voi, Option<Note>) {
    let note = match &voi {
        Voi::Linear { low, high } => shown(*low, *high),
        other => other.note(),
    };
    (voi, Some(note))
}

/// The lowest and highest value in units, padding left out of account.
fn extremes(
    set: &DataSet<'_>,
    header: &Header,
    samples: &Samples,
    modality: &Modality,
) -> (f64, f64) {
    let padding = set.word(tags::PIXEL_PADDING).map(|word| sample(word, header));
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in stored(header, samples).filter(|value| Some(*value) != padding) {
        let value = modality.units(value);
        (low, high) = (low.min(value), high.max(value));
    }
    if low > high { (0.0, 1.0) } else { (low, high) }
}

/// The stored values.
fn stored<'s>(header: &'s Header, samples: &'s Samples) -> Box<dyn Iterator<Item = f64> + 's> {
    match samples {
        Samples::Bytes(bytes) => Box::new(bytes.iter().map(|b| sample((*b).into(), header))),
        Samples::Words(words) => Box::new(words.iter().map(|w| sample(*w, header))),
    }
}

/// The number in the bits of a sample that are used.
fn sample(word: u16, header: &Header) -> f64 {
    let unused = 16 - header.bits_stored;
    if header.signed {
        f64::from(((word << unused) as i16) >> unused)
    } else {
        f64::from((word << unused) >> unused)
    }
}

/// Colours as bytes.
fn bytes(header: &Header, samples: Samples) -> Vec<u8> {
    match samples {
        Samples::Bytes(bytes) if header.bits_stored == 8 => bytes,
        other => {
            let white = f64::from((1_u32 << header.bits_stored) - 1);
            stored(header, &other).map(|value| byte(value / white)).collect()
        }
    }
}

/// The RGB of YCbCr over the full range (DICOM PS3.3, C.7.6.3.1.2).
fn rgb_of([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb].map(|c| byte(c / 255.0))
}

/// A share from 0 to 1 as a byte.
fn byte(share: f64) -> u8 {
    (255.0 * share).round() as u8
}

#[cfg(test)]
mod tests;
