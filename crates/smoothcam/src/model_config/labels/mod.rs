//! Labels are the names of a model's classes.

mod choose;
mod literal;
mod read;

pub use choose::choose_labels;
pub(super) use read::{clean, from_value, read};
