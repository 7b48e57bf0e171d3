//! Decodes base64 in all the forms that clients write it.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding may be there or not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of base64: with or without padding, in lines or not, in the alphabet for URLs or the standard one, and as
/// a data URI (`data:image/png;base64,...`).
///
/// # Errors
/// If it is not base64; with the reason.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, String> {
    if text.trim_ascii_start().starts_with("http") && text.contains("://") {
        return Err("it is an address, and the server fetches nothing".to_owned());
    }
    let content = match text.trim_ascii_start().strip_prefix("data:") {
        Some(uri) => match uri.split_once(',') {
            Some((about, content)) if about.ends_with(";base64") => content,
            _ => return Err("it is a data URI without base64".to_owned()),
        },
        None => text,
    };
    let plain = content.bytes().filter(|b| !b.is_ascii_whitespace()).map(|b| match b {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    });
    LENIENT.decode(plain.collect::<Vec<u8>>()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_base64_is_read() {
        let bytes = vec![0xfb, 0xff, 0xfe, 0x01];
        for text in [
            "+//+AQ==",
            "+//+AQ",
            "-__-AQ==",
            "+//+\r\nAQ==\n",
            "data:image/png;base64,+//+AQ==",
            " data:;base64,+//+AQ==",
        ] {
            assert_eq!(decode(text), Ok(bytes.clone()), "{text}");
        }
        for text in ["+//+A", "é", "data:image/png,abc", "a=bc", "https://example.com/cat.png"] {
            assert!(decode(text).is_err(), "{text}");
        }
    }
}
