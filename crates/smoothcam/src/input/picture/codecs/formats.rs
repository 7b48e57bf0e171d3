//! Files that are no pictures that can be read are recognised by their first bytes.

/// What a file is, as a noun with its article, and how to make a picture of it.
pub(super) struct Foreign {
    pub(super) what: &'static str,
    pub(super) way_out: &'static str,
}

const AVIF: &str = "convert it to PNG or JPEG: avifdec picture.avif picture.png";
const HEIC: &str = "convert it to PNG or JPEG: heif-convert picture.heic picture.png";
const HEIF: &str = "convert it to PNG or JPEG: heif-convert picture.heif picture.png";
const JPEG_XL: &str = "convert it to PNG or JPEG: djxl picture.jxl picture.png";
const MAGICK: &str = "convert it to PNG or JPEG: magick picture.file picture.png";
const BASE64: &str = "decode it to the picture's file: base64 -d picture.txt > picture.png";
const VIDEO: &str = "take a picture out of it: ffmpeg -i video.mp4 -frames:v 1 picture.png";

/// Bytes at an offset, and what a file is that has them there. The first that fits counts.
const SIGNATURES: &[(usize, &[u8], &str, &str)] = &[
    (4, b"ftypavif", "an AVIF picture", AVIF),
    (4, b"ftypavis", "an AVIF picture", AVIF),
    (4, b"ftyphei", "a HEIC picture", HEIC),
    (4, b"ftyphev", "a HEIC picture", HEIC),
    (4, b"ftypmif1", "a HEIF picture", HEIF),
    (4, b"ftypmsf1", "a HEIF picture", HEIF),
    (4, b"ftypcrx ", "a raw picture of a camera (CR3)", "develop it to PNG or JPEG"),
    (4, b"ftyp", "a video", VIDEO),
    (0, b"\x1A\x45\xDF\xA3", "a video", VIDEO),
    (0, b"\xFF\x0A", "a JPEG XL picture", JPEG_XL),
    (0, b"\0\0\0\x0CJXL ", "a JPEG XL picture", JPEG_XL),
    (
        0,
        b"\0\0\0\x0CjP  ",
        "a JPEG 2000 picture",
        "convert it to PNG: opj_decompress -i picture.jp2 -o picture.png",
    ),
    (
        0,
        b"\xFF\x4F\xFF\x51",
        "a JPEG 2000 picture",
        "convert it to PNG: opj_decompress -i picture.j2k -o picture.png",
    ),
    (0, b"%PDF", "a PDF document", "convert a page to PNG: pdftoppm -png -r 150 document.pdf page"),
    (0, b"8BPS", "a Photoshop document", MAGICK),
    (0, b"\x76\x2F\x31\x01", "an OpenEXR picture", MAGICK),
    (0, b"#?RADIANCE", "a Radiance HDR picture", MAGICK),
    (0, b"\0\0\x01\0", "an icon", MAGICK),
    (0, b"P5", "a PGM picture", MAGICK),
    (0, b"P6", "a PPM picture", MAGICK),
    (0, b"SIMPLE  =", "a FITS file", "convert it to a 16-bit PNG or TIFF"),
    (0, b"NRRD", "an NRRD volume", "convert a slice to a 16-bit PNG or TIFF"),
    (344, b"n+1\0", "a NIfTI volume", "convert a slice to a 16-bit PNG or TIFF"),
    (0, b"\x89HDF", "an HDF5 file", "convert it to PNG, or to a NumPy array (.npy)"),
    (0, b"\x93NUMPY", "a NumPy array", "name it FILE.npy"),
    (0, b"\x1F\x8B", "a gzip archive", "unpack it"),
    (0, b"PK\x03\x04", "a zip archive", "unpack it"),
    (
        0,
        b"data:",
        "a data URI",
        "decode what follows the comma: base64 -d picture.txt > picture.png",
    ),
    (0, b"iVBORw0KGgo", "a PNG picture in base64", BASE64),
    (0, b"/9j/", "a JPEG picture in base64", BASE64),
    (0, b"R0lGOD", "a GIF picture in base64", BASE64),
    (0, b"UklGR", "a WebP picture in base64", BASE64),
    (0, b"http://", "an address", "download the picture itself"),
    (0, b"https://", "an address", "download the picture itself"),
];

/// What a file is, if it is recognised.
pub(super) fn foreign(bytes: &[u8]) -> Option<Foreign> {
    let has = |(offset, magic): (usize, &[u8])| {
        bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic))
    };
    if let Some((_, _, what, way_out)) = SIGNATURES.iter().find(|s| has((s.0, s.1))) {
        return Some(Foreign { what, way_out });
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_lowercase();
    let start = start.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace());
    if start.starts_with('<') && start.contains("<svg") {
        let way_out = "convert it to PNG: rsvg-convert picture.svg -o picture.png";
        return Some(Foreign { what: "an SVG drawing", way_out });
    }
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        let way_out = "download the picture itself";
        return Some(Foreign { what: "a web page", way_out });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognised_by_their_first_bytes() {
        for (bytes, what) in [
            (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], Some("a HEIC picture")),
            (b"\0\0\0\x1Cftypavif\0\0\0\0", Some("an AVIF picture")),
            (b"\0\0\0\x1Cftypisom\0\0\0\0", Some("a video")),
            (b"\0\0\0\x0CJXL \r\n\x87\n", Some("a JPEG XL picture")),
            (b"\xFF\x0A\x00", Some("a JPEG XL picture")),
            (b"\0\0\0\x0CjP  \r\n\x87\n", Some("a JPEG 2000 picture")),
            (b"%PDF-1.7", Some("a PDF document")),
            (b"\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<SVG/>", Some("an SVG drawing")),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", Some("an SVG drawing")),
            (b"<!DOCTYPE html><p>", Some("a web page")),
            (b"data:image/png;base64,iVBORw0KGgo", Some("a data URI")),
            (b"iVBORw0KGgoAAAANSUhEUg", Some("a PNG picture in base64")),
            (b"/9j/4AAQSkZJRgABAQ", Some("a JPEG picture in base64")),
            (b"https://example.com/cat.png", Some("an address")),
            (b"<?xml version=\"1.0\"?><x/>", None),
            (b"nothing", None),
            (b"", None),
        ] {
            assert_eq!(foreign(bytes).map(|f| f.what), what, "{bytes:?}");
        }
    }
}
