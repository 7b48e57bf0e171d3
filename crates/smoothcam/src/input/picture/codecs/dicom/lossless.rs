//! Lossless JPEG data of DICOM files are decoded, with the crate `jpeg-decoder`.

use jpeg_decoder::{CodingProcess, Decoder, ImageInfo, PixelFormat};

use super::header::Header;
use super::samples::Samples;

/// The samples of a lossless JPEG, each pixel's side by side, in the colours that the file has.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn samples(header: &Header, bytes: &[u8]) -> Result<Samples, String> {
    let wrong = |e: jpeg_decoder::Error| format!("its JPEG data cannot be read: {e}");
    let count = header.rows as usize * header.columns as usize * header.samples;
    let mut decoder = Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(2 * count);
    decoder.read_info().map_err(wrong)?;
    let info = decoder.info().ok_or("its JPEG data have no header")?;
    let ImageInfo { width, height, pixel_format, coding_process } = info;
    // Before anything is decoded, which takes memory for this size.
    if (u32::from(width), u32::from(height)) != (header.columns, header.rows) {
        return Err(format!(
            "its JPEG data have {width}x{height} pixels, expected {}x{}",
            header.columns, header.rows
        ));
    }
    if coding_process != CodingProcess::Lossless {
        return Err("its JPEG data are not lossless, as the file says".into());
    }
    let samples = match (pixel_format, header.samples) {
        (PixelFormat::L8, 1) | (PixelFormat::RGB24, 3) => {
            decoder.decode().map(Samples::Bytes).map_err(wrong)
        }
        (PixelFormat::L16, 1) => {
            let bytes = decoder.decode().map_err(wrong)?;
            let words = bytes.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]]));
            Ok(Samples::Words(words.collect()))
        }
        _ => Err(format!("its JPEG data have not {} colours", header.samples)),
    }?;
    if samples.count() != count {
        return Err("its JPEG data end too early".into());
    }
    Ok(samples)
}
