//! Reads the header of an `.npy` file: a flat dictionary in Python's notation.
//!
//! The format is NumPy's (numpy.lib.format, versions 1 to 3). Headers come from strangers: what is not of this form is an
//! error, nothing nests, and nothing is allocated by what a header claims.

/// The longest header that NumPy itself reads without being told to.
const LONGEST: usize = 10_000;
/// The most axes of an array, as in NumPy.
const MOST_AXES: usize = 64;

/// What a header says of the elements that follow it.
#[derive(Debug, PartialEq)]
pub(super) struct Header<'a> {
    /// The type of the elements, such as `<f4`.
    pub(super) descr: &'a str,
    /// Whether the first axis runs fastest.
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

/// The header of a file, and the bytes after it.
///
/// # Errors
/// If there is none, or it is not flat; in words that go on after `is no NumPy array of numbers:`.
pub(super) fn header(bytes: &[u8]) -> Result<(Header<'_>, &[u8]), String> {
    let rest = bytes.strip_prefix(super::MAGIC).ok_or("it does not begin as one")?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [version, _, ..] if *version > 3 => {
            return Err(format!("its format is of version {version}"));
        }
        _ => return Err("its header is cut off".into()),
    };
    if length > LONGEST {
        return Err(format!("its header has {length} bytes, expected {LONGEST} at most"));
    }
    let (text, elements) = rest.split_at_checked(length).ok_or("its header is cut off")?;
    let text = std::str::from_utf8(text).map_err(|_| "its header is no text")?;
    Ok((Parser(text).header().ok_or("its header is not one of numbers")?, elements))
}

/// The part of a header that is still to be read.
struct Parser<'a>(&'a str);

impl<'a> Parser<'a> {
    fn header(mut self) -> Option<Header<'a>> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect("{")?;
        while self.expect("}").is_none() {
            let key = self.string()?;
            self.expect(":")?;
            match key {
                "descr" if descr.is_none() => descr = Some(self.string()?),
                "fortran_order" if fortran_order.is_none() => fortran_order = Some(self.truth()?),
                "shape" if shape.is_none() => shape = Some(self.shape()?),
                _ => return None,
            }
            if self.expect(",").is_none() {
                self.expect("}")?;
                break;
            }
        }
        self.0.trim().is_empty().then_some(())?;
        Some(Header { descr: descr?, fortran_order: fortran_order?, shape: shape? })
    }

    /// Takes a token, if it is next.
    fn expect(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let quote = ["'", "\""].into_iter().find(|quote| self.expect(quote).is_some())?;
        let (string, rest) = self.0.split_once(quote)?;
        self.0 = rest;
        Some(string)
    }

    fn truth(&mut self) -> Option<bool> {
        let (yes, no) = (self.expect("True"), self.expect("False"));
        yes.map(|()| true).or(no.map(|()| false))
    }

    /// A tuple of sizes, which Python 2 wrote with an L.
    fn shape(&mut self) -> Option<Vec<usize>> {
        let mut shape = Vec::new();
        self.expect("(")?;
        while self.expect(")").is_none() {
            self.0 = self.0.trim_start();
            let end = self.0.find(|c: char| !c.is_ascii_digit())?;
            let (digits, rest) = self.0.split_at(end);
            self.0 = rest;
            shape.push(digits.parse().ok()?);
            let _ = self.expect("L");
            if shape.len() > MOST_AXES {
                return None;
            }
            if self.expect(",").is_none() {
                self.expect(")")?;
                break;
            }
        }
        Some(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, text: &str) -> Vec<u8> {
        let length = text.len() as u32;
        let length = if version == 1 {
            (length as u16).to_le_bytes().to_vec()
        } else {
            length.to_le_bytes().to_vec()
        };
        [super::super::MAGIC, &[version, 0], &length, text.as_bytes(), b"xyz"].concat()
    }

    #[test]
    fn headers_are_read_as_numpy_and_others_write_them() {
        for (version, text, descr, fortran_order, shape) in [
            (
                1,
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }   \n",
                "<f4",
                false,
                vec![1, 3],
            ),
            (2, "{\"shape\":(),\"descr\":\"|b1\",\"fortran_order\":True}", "|b1", true, vec![]),
            (3, "{'descr': '<i8', 'fortran_order': False, 'shape': (7L,)}", "<i8", false, vec![7]),
        ] {
            let bytes = file(version, text);
            let expected = Header { descr, fortran_order, shape };
            assert_eq!(header(&bytes), Ok((expected, &b"xyz"[..])), "{text}");
        }
    }

    #[test]
    fn what_is_no_flat_header_is_an_error() {
        let nested = format!("{{'descr': {}{}, }}", "[".repeat(4000), "]".repeat(4000));
        let axes =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}) }}", "1,".repeat(65));
        for text in [
            "",
            "{",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, -2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} more",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            nested.as_str(),
            axes.as_str(),
        ] {
            assert!(header(&file(1, text)).is_err(), "{text}");
        }
        let whole = file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}");
        for end in 0..whole.len() - 3 {
            assert!(header(&whole[..end]).is_err(), "{end}");
        }
        assert!(header(&file(2, &" ".repeat(20_000))).unwrap_err().contains("10000 at most"));
        assert!(header(&file(9, "")).unwrap_err().contains("version 9"));
    }
}
