//! Reports what was measured: means with intervals, tables, curves and pictures.

pub(crate) mod contents;
pub(crate) mod csv;
mod curves;
pub(crate) mod gallery;
pub(crate) mod html;
mod plot;
pub(crate) mod statistics;
mod style;
pub(crate) mod summary;

#[cfg(test)]
mod tests;
