//! Reports what was measured: means with intervals, tables, curves and pictures.

pub(crate) mod comparison;
pub(crate) mod contents;
pub(crate) mod csv;
mod curves;
pub(crate) mod estimate;
pub(crate) mod gallery;
pub(crate) mod html;
mod plot;
mod style;
pub(crate) mod summary;

#[cfg(test)]
mod tests;
