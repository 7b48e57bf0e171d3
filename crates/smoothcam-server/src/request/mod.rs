//! Reads requests: bodies, options, headers and addresses.

pub(crate) mod base64;
pub(crate) mod body;
pub(crate) mod json;
pub(crate) mod media;
mod option_fields;
pub(crate) mod options;
pub(crate) mod path;
pub(crate) mod picture;
