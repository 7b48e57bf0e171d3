//! Decodes and encodes picture files with the `image` crate, whose types stay within this folder.

pub(crate) mod decode;
pub(crate) mod encode;

#[cfg(test)]
mod tests;
