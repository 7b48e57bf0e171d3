//! Checks that take more than one picture or one model: the grid pointing game and the randomisation check.

pub(crate) mod grid_pointing;
pub(crate) mod randomization;
