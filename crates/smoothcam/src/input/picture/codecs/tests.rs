use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use crate::Result;
use crate::input::picture::{Limits, Picture};

const LEFT: [u8; 3] = [255, 0, 0];
const RIGHT: [u8; 3] = [0, 0, 255];

/// A picture of 24x8 pixels, red on the left half and blue on the right.
fn two_halves() -> DynamicImage {
    RgbImage::from_fn(24, 8, |x, _| Rgb(if x < 12 { LEFT } else { RIGHT })).into()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn decoded(bytes: &[u8]) -> Result<Picture> {
    Picture::decode(bytes, &Limits::default())
}

fn pixel(picture: &Picture, x: usize, y: usize) -> [u8; 3] {
    let at = y * picture.row_bytes() + 3 * x;
    picture.rgb()[at..at + 3].try_into().unwrap()
}

#[track_caller]
fn assert_close(ours: [u8; 3], expected: [u8; 3]) {
    let off = ours.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max();
    assert!(off <= Some(3), "{ours:?} is not {expected:?}");
}

#[test]
fn formats_and_pixel_types_become_rgb() {
    let grey16 =
        DynamicImage::ImageLuma16(image::ImageBuffer::from_pixel(2, 1, image::Luma([0x8080_u16])));
    let clear = RgbaImage::from_pixel(2, 1, Rgba([0, 100, 255, 51])).into();
    let plain = two_halves();
    for (image, format, expected) in [
        (&plain, ImageFormat::Png, LEFT),
        (&plain, ImageFormat::WebP, LEFT),
        (&plain, ImageFormat::Bmp, LEFT),
        (&plain, ImageFormat::Tiff, LEFT),
        (&plain, ImageFormat::Gif, LEFT),
        (&grey16, ImageFormat::Png, [128; 3]),
        (&grey16, ImageFormat::Tiff, [128; 3]),
        (&clear, ImageFormat::Png, [204, 224, 255]),
        (&clear, ImageFormat::WebP, [204, 224, 255]),
    ] {
        let picture = decoded(&encoded(image, format)).unwrap();
        assert_eq!((picture.width(), picture.height()), (image.width(), image.height()));
        assert_eq!(pixel(&picture, 0, 0), expected, "{format:?}");
    }
}

#[test]
fn exif_orientation_is_applied() {
    // Orientation, size, and where (x, y) red and blue must be seen.
    for (orientation, size, red, blue) in [
        (1_u8, (24, 8), (2, 4), (21, 4)),
        (3, (24, 8), (21, 4), (2, 4)),
        (6, (8, 24), (4, 2), (4, 21)),
        (8, (8, 24), (4, 21), (4, 2)),
    ] {
        let mut jpeg = encoded(&two_halves(), ImageFormat::Jpeg);
        let mut exif = b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01".to_vec();
        exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
        jpeg.splice(2..2, exif);
        let picture = decoded(&jpeg).unwrap();
        assert_eq!((picture.width(), picture.height()), size, "{orientation}");
        assert_close(pixel(&picture, red.0, red.1), LEFT);
        assert_close(pixel(&picture, blue.0, blue.1), RIGHT);
    }
}

#[test]
fn cmyk_has_the_colours_that_pillow_gives_it() {
    let picture = decoded(include_bytes!("../testdata/cmyk.jpg")).unwrap();
    assert_close(pixel(&picture, 3, 4), [205, 44, 125]);
    assert_close(pixel(&picture, 12, 4), [40, 135, 119]);
}

#[test]
fn animations_show_their_first_frame() {
    let picture = decoded(include_bytes!("../testdata/animated.webp")).unwrap();
    assert_eq!(pixel(&picture, 1, 1), [255, 0, 0]);
}

#[test]
fn truncated_pictures_are_refused() {
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ] {
        let bytes = encoded(&two_halves(), format);
        for length in [bytes.len() / 4, bytes.len() / 2, bytes.len() * 3 / 4] {
            let error = decoded(&bytes[..length]).unwrap_err();
            assert!(error.hint().is_some(), "{format:?} {length}: {error}");
        }
    }
    let jpeg = encoded(&two_halves(), ImageFormat::Jpeg);
    let error = decoded(&jpeg[..jpeg.len() - 2]).unwrap_err().to_string();
    assert!(error.contains("truncated: its JPEG"), "{error}");
}

#[test]
fn pictures_over_the_limits_are_refused_before_they_are_decoded() {
    // 30000 x 30000 pixels in a header; the data would not decode.
    let mut bomb = encoded(&two_halves(), ImageFormat::Bmp);
    for at in [18, 22] {
        bomb[at..at + 4].copy_from_slice(&30_000_u32.to_le_bytes());
    }
    let ribbon = encoded(&image::GrayImage::new(2_000_000, 1).into(), ImageFormat::Png);
    for (bytes, message) in [(bomb, "30000x30000"), (ribbon, "2000000x1")] {
        let error = decoded(&bytes).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().is_some());
    }
    let tiny = Limits { max_pixels: 24 * 8 - 1, ..Limits::default() };
    let png = encoded(&two_halves(), ImageFormat::Png);
    let error = Picture::decode(&png, &tiny).unwrap_err();
    assert!(error.hint().unwrap().to_string().contains("max_pixels"), "{error}");
}

#[test]
fn profiles_that_unpack_to_much_are_passed_over() {
    use image::ImageEncoder;
    use image::codecs::png::PngEncoder;

    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    encoder.set_icc_profile(vec![0; 80 << 20]).unwrap();
    encoder.write_image(&[7; 12], 2, 2, image::ExtendedColorType::Rgb8).unwrap();
    assert!(png.len() < 1 << 20);
    assert_eq!(pixel(&decoded(&png).unwrap(), 1, 1), [7; 3]);
}

#[test]
fn pixels_of_floats_are_limited_by_their_bytes() {
    let floats = DynamicImage::new_rgb32f(100, 100);
    let tiff = encoded(&floats, ImageFormat::Tiff);
    let limits = |max_pixels| Limits { max_pixels, ..Limits::default() };
    assert!(Picture::decode(&tiff, &limits(15_000)).is_ok());
    let error = Picture::decode(&tiff, &limits(14_999)).unwrap_err();
    assert!(error.to_string().contains("take 120000 bytes"), "{error}");
}

#[test]
fn damaged_bytes_never_panic() {
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ] {
        let good = encoded(&two_halves(), format);
        let mut decoded_some = false;
        for at in 0..good.len() {
            for value in [0, 0x7F, 0xFF] {
                let mut bad = good.clone();
                bad[at] = value;
                decoded_some |= decoded(&bad).is_ok();
            }
        }
        assert!(decoded_some, "{format:?}");
    }
}

/// TIFF for files of more than 4 GB: numbers of 64 bits, and another mark at its beginning.
#[test]
fn big_tiff_is_read() {
    let mut bytes = b"II\x2B\0\x08\0\0\0".to_vec();
    bytes.extend(16_u64.to_le_bytes());
    // Width, height, bits, no compression, black is 0, where the strip is, samples, rows, bytes.
    let entries: [(u16, u64); 9] =
        [(256, 2), (257, 1), (258, 8), (259, 1), (262, 1), (273, 0), (277, 1), (278, 1), (279, 2)];
    let end = 16 + 8 + 20 * entries.len() as u64 + 8;
    bytes.extend((entries.len() as u64).to_le_bytes());
    for (tag, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(16_u16.to_le_bytes());
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(if tag == 273 { end } else { value }.to_le_bytes());
    }
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend([7, 200]);
    assert_eq!(decoded(&bytes).unwrap().rgb(), [7, 7, 7, 200, 200, 200]);
}
