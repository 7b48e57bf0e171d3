//! The options of how large a picture may be.

use super::explanation::number;
use super::row::Row;
use super::spec::{Default, Group, Kind, OptionSpec, Place};
use crate::input::picture::Limits;

/// What these options have in common.
const LIMIT: OptionSpec = OptionSpec {
    kind: Kind::Integer(1, u64::MAX),
    group: Group::Limits,
    places: &[Place::Explain, Place::Bench, Place::Limits],
    ..OptionSpec::BLANK
};

pub(super) static LIMITS: &[Row<Limits>] = &[
    Row {
        spec: OptionSpec {
            name: "max_bytes",
            default: Default::Value(|| Limits::default().max_bytes.to_string()),
            help: "The largest picture file that is read, in bytes",
            ..LIMIT
        },
        set: |limits, text| number(text).map(|bytes| limits.max_bytes = bytes),
        get: |limits| vec![limits.max_bytes.to_string()],
    },
    Row {
        spec: OptionSpec {
            name: "max_pixels",
            default: Default::Value(|| Limits::default().max_pixels.to_string()),
            help: "The largest picture that is decoded, in pixels",
            ..LIMIT
        },
        set: |limits, text| number(text).map(|pixels| limits.max_pixels = pixels),
        get: |limits| vec![limits.max_pixels.to_string()],
    },
];
