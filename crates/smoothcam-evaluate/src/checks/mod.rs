//! Runs the checks that take several pictures or several models at once.

pub(crate) mod grid_pointing;
pub(crate) mod randomization;
