//! The elements of a DICOM data set are found by their tags, within the bytes of the file.
//!
//! Nothing is copied, and no length is believed: what does not fit into the bytes is not there.

/// A length that is not told: the value ends at a delimiter.
const UNDEFINED: u32 = u32::MAX;
const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;

/// The elements of a data set, or of an item of a sequence.
#[derive(Clone, Copy)]
pub(super) struct DataSet<'a> {
    bytes: &'a [u8],
    /// Whether each element says the kind of its value (its VR).
    explicit: bool,
}

/// The header of an element or item, and where its value lies.
struct Element {
    /// The group, and the number in the group, in 16 bits each.
    tag: u32,
    start: usize,
    /// The value's end, where its length is told.
    end: Option<usize>,
}

impl<'a> DataSet<'a> {
    pub(super) fn new(bytes: &'a [u8], explicit: bool) -> DataSet<'a> {
        DataSet { bytes, explicit }
    }

    /// The bytes of a value; `None` if there is no such element, or it is not where its length says.
    pub(super) fn bytes(&self, tag: u32) -> Option<&'a [u8]> {
        let mut at = 0;
        loop {
            let element = self.element(at)?;
            let (end, next) = match element.end {
                Some(end) => (end, end),
                None => self.delimited(element.start)?,
            };
            if element.tag == tag {
                return self.bytes.get(element.start..end);
            }
            at = next;
        }
    }

    /// The first number of 16 bits of a value.
    pub(super) fn word(&self, tag: u32) -> Option<u16> {
        words(self.bytes(tag)?).next()
    }

    /// The text of a value, without the spaces and zeros that fill it up.
    pub(super) fn text(&self, tag: u32) -> Option<&'a str> {
        let text = std::str::from_utf8(self.bytes(tag)?).ok()?;
        Some(text.trim_matches(|c: char| c.is_whitespace() || c == '\0'))
    }

    /// The first of the numbers that a value has as text.
    pub(super) fn number(&self, tag: u32) -> Option<f64> {
        let number: f64 = self.text(tag)?.split('\\').next()?.trim().parse().ok()?;
        number.is_finite().then_some(number)
    }

    /// An item of a sequence, counted from 0.
    pub(super) fn item(&self, tag: u32, index: usize) -> Option<DataSet<'a>> {
        let sequence = DataSet::new(self.bytes(tag)?, self.explicit);
        let mut at = 0;
        for i in 0.. {
            let item = sequence.element(at)?;
            if item.tag != ITEM {
                return None;
            }
            let (end, next) = match item.end {
                Some(end) => (end, end),
                None => sequence.delimited(item.start)?,
            };
            if i == index {
                return Some(DataSet::new(sequence.bytes.get(item.start..end)?, self.explicit));
            }
            at = next;
        }
        None
    }

    /// What follows the elements of this group and those before.
    pub(super) fn after_group(&self, group: u32) -> &'a [u8] {
        let mut at = 0;
        while let Some(Element { tag, end: Some(end), .. }) = self.element(at) {
            if tag >> 16 > group {
                break;
            }
            at = end;
        }
        self.bytes.get(at..).unwrap_or_default()
    }

    /// The header at this place.
    fn element(&self, at: usize) -> Option<Element> {
        let rest = self.bytes.get(at..)?;
        let mut numbers = words(rest.get(..8)?);
        let tag = u32::from(numbers.next()?) << 16 | u32::from(numbers.next()?);
        let long = |at: usize| Some(u32::from_le_bytes(rest.get(at..at + 4)?.try_into().ok()?));
        let (header, length) = if tag >> 16 == 0xFFFE || !self.explicit {
            (8, long(4)?)
        } else {
            match &rest[4..6] {
                b"AE" | b"AS" | b"AT" | b"CS" | b"DA" | b"DS" | b"DT" | b"FD" | b"FL" | b"IS"
                | b"LO" | b"LT" | b"PN" | b"SH" | b"SL" | b"SS" | b"ST" | b"TM" | b"UI" | b"UL"
                | b"US" => (8, u32::from(u16::from_le_bytes([rest[6], rest[7]]))),
                _ => (12, long(8)?),
            }
        };
        let start = at + header;
        if length == UNDEFINED {
            return Some(Element { tag, start, end: None });
        }
        let end = start.checked_add(length as usize).filter(|end| *end <= self.bytes.len())?;
        Some(Element { tag, start, end: Some(end) })
    }

    /// The end of a value without a length that begins here, and the end of the delimiter after it.
    fn delimited(&self, mut at: usize) -> Option<(usize, usize)> {
        let mut open = 1_usize;
        loop {
            let element = self.element(at)?;
            match (element.tag, element.end) {
                (ITEM_END | SEQUENCE_END, _) if open == 1 => return Some((at, element.start)),
                (ITEM_END | SEQUENCE_END, _) => {
                    open -= 1;
                    at = element.start;
                }
                (_, Some(end)) => at = end,
                (_, None) => {
                    open += 1;
                    at = element.start;
                }
            }
        }
    }
}

/// The fragments of encapsulated pixels, of which the first lists where frames begin.
pub(super) fn fragments(bytes: &[u8]) -> Vec<&[u8]> {
    let items = DataSet::new(bytes, true);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(Element { tag: ITEM, start, end: Some(end) }) = items.element(at) {
        found.push(&bytes[start..end]);
        at = end;
    }
    found
}

/// Numbers of 16 bits.
pub(super) fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
}
