//! Labels are the names of a model's classes.

mod choose;
mod literal;
mod names;
mod read;

pub use choose::choose_labels;
pub use names::ClassNames;
pub(crate) use names::is_wordnet_id;
pub(super) use read::{clean, from_value, read};
