//! Decodes and encodes picture files with the `image` crate, whose types stay within this folder.

pub(crate) mod decode;
pub(crate) mod decoded;
mod dicom;
pub(crate) mod encode;
mod formats;
pub(crate) mod size;
mod windowed;

#[cfg(test)]
mod tests;
