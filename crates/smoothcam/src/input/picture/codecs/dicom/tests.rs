use std::path::PathBuf;

use super::*;
use crate::Limits;

fn file(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/input/picture/testdata/dicom");
    std::fs::read(folder.join(name)).unwrap()
}

fn read(bytes: &[u8], frame: Option<u32>, window: Option<Window>) -> Result<Decoded> {
    decode(bytes, "'x.dcm'", &Decoding { frame, window, ..Decoding::default() })
}

/// Writes over the value of a number of 16 bits, of an element whose header says its kind.
fn with_word(mut bytes: Vec<u8>, tag: u32, value: u16) -> Vec<u8> {
    let [a, b] = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes);
    let header = [a[0], a[1], b[0], b[1], b'U', b'S', 2, 0];
    let at = bytes.windows(8).position(|window| window == header).unwrap() + 8;
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    bytes
}

/// tools/golden_dicom.py has made the files and, with pydicom, what they show.
#[test]
fn pixels_are_those_of_pydicom() {
    let expected = String::from_utf8(file("expected.txt")).unwrap();
    assert_eq!(expected.lines().count(), 21);
    for line in expected.lines() {
        let mut words = line.split(' ');
        let (name, frame) = (words.next().unwrap(), words.next().unwrap().parse().unwrap());
        let decoded = read(&file(&format!("{name}.dcm")), Some(frame), None).unwrap();
        assert_eq!((decoded.width, decoded.height), (4, 3), "{name}");
        for (i, (got, right)) in decoded.rgb.iter().zip(words).enumerate() {
            // pydicom rounds before the last step where it has tables of integers.
            let right: u8 = right.parse().unwrap();
            assert!(
                got.abs_diff(right) <= 1,
                "{name}, frame {frame}, byte {i}: {got}, not {right}"
            );
        }
    }
}

#[test]
fn notes_tell_the_window_and_the_frame() {
    for (name, window, notes) in [
        ("linear", None, &["from -160 to 239 by its window"][..]),
        ("sigmoid", None, &["sigmoid around 40"]),
        ("voi_table", None, &["look-up table"]),
        ("no_window", None, &["from -2024 to 2023"]),
        ("linear", Some(Window::Range(0.0, 80.0)), &["from 0 to 80"]),
        ("linear", Some(Window::Auto), &["from -2024 to 2023"]),
        ("bytes", None, &[]),
        ("rgb", None, &[]),
        ("frames", None, &["by its window", "frame 1 of 2"]),
    ] {
        let decoded = read(&file(&format!("{name}.dcm")), None, window).unwrap();
        assert_eq!(decoded.notes.len(), notes.len(), "{name}: {:?}", decoded.notes);
        for (note, words) in decoded.notes.iter().zip(notes) {
            assert!(note.text().contains(words), "{name}: {note:?}");
        }
    }
    // -24 + 64 = 40 lies in the middle of 0 to 80.
    let windowed = read(&file("linear.dcm"), None, Some(Window::Range(-24.0, 56.0))).unwrap();
    assert_eq!(windowed.rgb[3 * 6], 128, "40 - 24 = 16 is half of the way from -24 to 56");
}

#[test]
fn what_is_not_read_is_told() {
    let with_syntax = |uid: &str| {
        let mut bytes = file("linear.dcm");
        let old = b"1.2.840.10008.1.2.1\0";
        let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
        bytes[at..at + uid.len()].copy_from_slice(uid.as_bytes());
        bytes
    };
    let linear = file("linear.dcm");
    let rows = linear.windows(6).position(|window| window == b"\x28\0\x10\0US").unwrap();
    let without_picture = linear[..rows].to_vec();
    for (bytes, words) in [
        (file("linear.dcm")[..200].to_vec(), "transfer syntax"),
        (file("linear.dcm")[..460].to_vec(), "no pixels, or too few"),
        (without_picture, "holds no picture"),
        (with_syntax("1.2.840.10008.1.2.2"), "big-endian"),
        (with_syntax("1.2.840.10008.1.9.9"), "of a kind that is not known"),
        (with_word(file("linear.dcm"), tags::BITS_ALLOCATED, 32), "32 bits"),
        (with_word(file("linear.dcm"), tags::BITS_STORED, 0), "0 bits"),
        (with_word(file("linear.dcm"), tags::HIGH_BIT, u16::MAX), "below bit 65535"),
        (with_word(file("linear.dcm"), tags::SAMPLES_PER_PIXEL, 4), "4 samples"),
        (with_word(file("linear.dcm"), tags::SAMPLES_PER_PIXEL, 3), "too early"),
        (with_word(file("linear.dcm"), tags::ROWS, 0), "no pixels"),
        (with_word(file("linear.dcm"), tags::ROWS, 4), "too early"),
        (with_word(file("rle.dcm"), tags::ROWS, 60_000), "RLE data are damaged"),
        (with_word(file("lossless_jpeg.dcm"), tags::ROWS, 60_000), "4x3 pixels, expected 4x60000"),
    ] {
        let error = read(&bytes, None, None).map(drop).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("x.dcm"), "{words}: {error}");
    }
    let huge = with_word(with_word(file("rle.dcm"), tags::ROWS, 60_000), tags::COLUMNS, 60_000);
    let error = read(&huge, None, None).map(drop).unwrap_err().to_string();
    assert!(error.contains("more than the 100000000 allowed"), "{error}");
    let error = read(&file("frames.dcm"), Some(3), None).map(drop).unwrap_err();
    assert!(error.to_string().contains("has 2") && error.hint().is_some(), "{error}");
    let small = Decoding::from(&Limits { max_pixels: 11, ..Limits::default() });
    assert!(decode(&file("linear.dcm"), "x", &small).is_err());
}

/// A file without the 128 bytes before its elements, or without its description, shows the same.
#[test]
fn files_without_a_preamble_are_read() {
    let explicit = b"\x08\0\x05\0CS\x0a\0ISO_IR 100";
    let implicit = b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100";
    for (name, first) in [("linear", explicit), ("implicit", implicit), ("rgb", explicit)] {
        let whole = file(&format!("{name}.dcm"));
        let right = read(&whole, None, None).unwrap().rgb;
        let alone = [&first[..], after_description(&whole[132..])].concat();
        for bytes in [&whole[132..], &alone[..]] {
            assert!(is_dicom(bytes), "{name}");
            assert_eq!(read(bytes, None, None).unwrap().rgb, right, "{name}");
        }
    }
    for other in [&b"\x08\0\0\0\0\0\0\0"[..], b"\x08\0ab", b"\x02\0\0\0", b"DICM"] {
        let _ = is_dicom(other) && read(other, None, None).is_ok();
    }
}

/// A damaged file is an error or another picture, but neither a panic nor a wait.
#[test]
fn damaged_files_do_no_harm() {
    let mut random = 1_u32;
    for name in
        ["linear", "implicit", "rle", "lossless_jpeg", "frames", "palette", "voi_table", "by_plane"]
    {
        let whole = file(&format!("{name}.dcm"));
        for length in 0..whole.len() {
            let _ = read(&whole[..length], None, None);
        }
        for _ in 0..2000 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = 132 + (random >> 8) as usize % (bytes.len() - 132);
                bytes[at] = [0, 1, 0xFF, 0x80, (random & 0xFF) as u8][random as usize % 5];
            }
            let small = Decoding::from(&Limits { max_pixels: 10_000, ..Limits::default() });
            let _ = decode(&bytes, "x", &small);
            let _ = decode(&bytes, "x", &Decoding { frame: Some(2), ..small });
        }
    }
    // Sequences within sequences cost no stack.
    let deep = [
        [0x08, 0, 0x15, 0x11, b'S', b'Q', 0, 0, 255, 255, 255, 255],
        [254, 255, 0, 224, 255, 255, 255, 255, 0, 0, 0, 0],
    ];
    let nested: Vec<u8> =
        (0..200_000).flat_map(|_| [&deep[0][..], &deep[1][..8]].concat()).collect();
    assert!(DataSet::new(&nested, true).bytes(tags::PIXEL_DATA).is_none());
}
