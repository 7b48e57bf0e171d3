//! The header of a DICOM file says how its pixels are stored.

use super::elements::DataSet;

/// Tags: the group and the number in the group, in 16 bits each.
pub(super) mod tags {
    pub(crate) const TRANSFER_SYNTAX: u32 = 0x0002_0010;
    pub(crate) const SAMPLES_PER_PIXEL: u32 = 0x0028_0002;
    pub(crate) const PHOTOMETRIC_INTERPRETATION: u32 = 0x0028_0004;
    pub(crate) const PLANAR_CONFIGURATION: u32 = 0x0028_0006;
    pub(crate) const NUMBER_OF_FRAMES: u32 = 0x0028_0008;
    pub(crate) const ROWS: u32 = 0x0028_0010;
    pub(crate) const COLUMNS: u32 = 0x0028_0011;
    pub(crate) const BITS_ALLOCATED: u32 = 0x0028_0100;
    pub(crate) const BITS_STORED: u32 = 0x0028_0101;
    pub(crate) const HIGH_BIT: u32 = 0x0028_0102;
    pub(crate) const PIXEL_REPRESENTATION: u32 = 0x0028_0103;
    pub(crate) const PIXEL_PADDING: u32 = 0x0028_0120;
    pub(crate) const WINDOW_CENTER: u32 = 0x0028_1050;
    pub(crate) const WINDOW_WIDTH: u32 = 0x0028_1051;
    pub(crate) const RESCALE_INTERCEPT: u32 = 0x0028_1052;
    pub(crate) const RESCALE_SLOPE: u32 = 0x0028_1053;
    pub(crate) const VOI_LUT_FUNCTION: u32 = 0x0028_1056;
    pub(crate) const PALETTE_DESCRIPTORS: [u32; 3] = [0x0028_1101, 0x0028_1102, 0x0028_1103];
    pub(crate) const PALETTES: [u32; 3] = [0x0028_1201, 0x0028_1202, 0x0028_1203];
    pub(crate) const MODALITY_LUTS: u32 = 0x0028_3000;
    pub(crate) const LUT_DESCRIPTOR: u32 = 0x0028_3002;
    pub(crate) const LUT_DATA: u32 = 0x0028_3006;
    pub(crate) const VOI_LUTS: u32 = 0x0028_3010;
    pub(crate) const FRAME_VOI: u32 = 0x0028_9132;
    pub(crate) const FRAME_TRANSFORMATION: u32 = 0x0028_9145;
    pub(crate) const SHARED_GROUPS: u32 = 0x5200_9229;
    pub(crate) const GROUPS_OF_FRAMES: u32 = 0x5200_9230;
    pub(crate) const PIXEL_DATA: u32 = 0x7FE0_0010;
}

/// How pixels are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Syntax {
    /// As they are; whether elements say the kind of their values.
    Native { explicit: bool },
    /// Run lengths.
    Rle,
    /// JPEG of 8 bits, with losses.
    Jpeg,
    /// JPEG without losses.
    LosslessJpeg,
}

/// The transfer syntaxes that are not read, by how their identifiers end.
const UNREAD: [(&str, &str); 6] = [
    (".2.2", "big-endian"),
    (".2.1.99", "deflate"),
    (".4.80", "JPEG-LS"),
    (".4.81", "JPEG-LS"),
    (".4.90", "JPEG 2000"),
    (".4.91", "JPEG 2000"),
];

impl Syntax {
    /// The syntax of an identifier.
    ///
    /// # Errors
    /// What it is, if it is not read.
    pub(super) fn named(uid: &str) -> Result<Syntax, String> {
        match uid {
            "1.2.840.10008.1.2" => Ok(Syntax::Native { explicit: false }),
            "1.2.840.10008.1.2.1" => Ok(Syntax::Native { explicit: true }),
            "1.2.840.10008.1.2.5" => Ok(Syntax::Rle),
            "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" => Ok(Syntax::Jpeg),
            "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => Ok(Syntax::LosslessJpeg),
            other => {
                let known = UNREAD.iter().find(|(end, _)| other.ends_with(end));
                let name = known.map_or("of a kind that is not known", |(_, name)| name);
                Err(format!("its transfer syntax, {name} ({other}), is not supported"))
            }
        }
    }
}

/// How the pixels of a file are stored.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) syntax: Syntax,
    pub(super) rows: u32,
    pub(super) columns: u32,
    /// The number of samples of a pixel: 1 or 3.
    pub(super) samples: usize,
    /// The number of frames, at least 1.
    pub(super) frames: usize,
    /// 8 or 16.
    pub(super) bits_allocated: u16,
    /// How many of these bits, the lowest, are used.
    pub(super) bits_stored: u16,
    pub(super) signed: bool,
    /// Whether samples come colour by colour, rather than pixel by pixel.
    pub(super) by_plane: bool,
    /// `MONOCHROME2`, `RGB` and the like.
    pub(super) photometric: String,
}

impl Header {
    /// Whether each two pixels share their colour (`YBR_FULL_422`) in uncompressed pixels of so many bytes in all. Some files
    /// say so and have the colours of all pixels, as pydicom finds, too.
    pub(super) fn halves_colours(&self, bytes: usize) -> bool {
        let whole = self.rows as usize * self.columns as usize * 3;
        self.photometric == "YBR_FULL_422"
            && self.samples == 3
            && self.bits_allocated == 8
            && self.columns.is_multiple_of(2)
            && bytes < whole.saturating_mul(self.frames)
    }

    /// Reads the header.
    ///
    /// # Errors
    /// What is missing, or not supported, in words.
    pub(super) fn read(set: &DataSet<'_>, syntax: Syntax) -> Result<Header, String> {
        let word = |tag: u32, name: &str| set.word(tag).ok_or_else(|| format!("it has no {name}"));
        let bits_allocated = word(tags::BITS_ALLOCATED, "Bits Allocated")?;
        let bits_stored = set.word(tags::BITS_STORED).unwrap_or(bits_allocated);
        let samples = set.word(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
        let high_bit = set.word(tags::HIGH_BIT).unwrap_or(bits_stored.saturating_sub(1));
        if !matches!(bits_allocated, 8 | 16) {
            return Err(format!("its samples of {bits_allocated} bits are not supported"));
        }
        if !(1..=bits_allocated).contains(&bits_stored) || high_bit != bits_stored - 1 {
            return Err(format!(
                "its samples of {bits_stored} bits below bit {high_bit} are not supported"
            ));
        }
        if !matches!(samples, 1 | 3) {
            return Err(format!("its pixels of {samples} samples are not supported"));
        }
        Ok(Header {
            syntax,
            rows: word(tags::ROWS, "Rows")?.into(),
            columns: word(tags::COLUMNS, "Columns")?.into(),
            samples: samples.into(),
            frames: set.number(tags::NUMBER_OF_FRAMES).map_or(1, |n| n.max(1.0) as usize),
            bits_allocated,
            bits_stored,
            signed: set.word(tags::PIXEL_REPRESENTATION) == Some(1),
            by_plane: set.word(tags::PLANAR_CONFIGURATION) == Some(1) && samples == 3,
            photometric: set
                .text(tags::PHOTOMETRIC_INTERPRETATION)
                .unwrap_or("MONOCHROME2")
                .to_owned(),
        })
    }
}
