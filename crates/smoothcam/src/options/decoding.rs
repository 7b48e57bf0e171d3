//! The options of how a picture's file is decoded.

use super::explanation::number;
use super::row::Row;
use super::spec::{Default, Group, Kind, OptionSpec, Place, parses};
use crate::input::picture::{Decoding, Window};

/// What these options have in common.
const PICTURE: OptionSpec = OptionSpec {
    group: Group::Picture,
    places: &[Place::Explain, Place::Bench, Place::Limits, Place::Http, Place::Page],
    ..OptionSpec::BLANK
};

pub(super) static DECODING: &[Row<Decoding>] = &[
    Row {
        spec: OptionSpec {
            name: "window",
            kind: Kind::Text("LOW,HIGH|auto", parses::<Window>),
            default: Default::Words(
                "all values that the file's pixels can have; in DICOM the file's window",
            ),
            help: "The picture's values that become black and white, for pictures of 12 bits within 16, CT and X-rays: \
                   0,4095, or auto for its lowest and highest",
            ..PICTURE
        },
        set: |decoding, text| text.parse().map(|window| decoding.window = Some(window)),
        get: |decoding| decoding.window.iter().map(|window| window.to_string()).collect(),
    },
    Row {
        spec: OptionSpec {
            name: "frame",
            kind: Kind::Integer(1, u32::MAX as u64),
            default: Default::Words("the first"),
            help: "The frame of a DICOM file, counted from 1",
            ..PICTURE
        },
        set: |decoding, text| number(text).map(|frame| decoding.frame = Some(frame)),
        get: |decoding| decoding.frame.iter().map(|frame| frame.to_string()).collect(),
    },
];
