//! Values are found by their names in a table, and named again.

use crate::{Error, Result};

/// The value of a name in any case. Messages call it `what`, and say which `others` are expected besides the table's.
///
/// # Errors
/// If the table has no such name.
pub(crate) fn named<T: Copy>(
    table: &[(&str, T)],
    name: &str,
    what: &str,
    others: &str,
) -> Result<T> {
    let found = table.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|&(_, value)| value).ok_or_else(|| {
        let names: Vec<&str> = table.iter().map(|&(name, _)| name).collect();
        let names = names.join(", ");
        Error::input(format!("unknown {what} '{name}', expected {others}{names}"))
    })
}

/// The name of a value that is in the table.
pub(crate) fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, v)| v == value).map_or("?", |&(name, _)| name)
}

/// Gives a type whose values all have a name the list of these names, reading and writing, by its table `NAMES`. Messages
/// call it `what`.
macro_rules! by_name {
    ($type:ty, $what:literal) => {
        impl $type {
            /// All names.
            pub fn names() -> impl Iterator<Item = &'static str> {
                NAMES.iter().map(|(name, _)| *name)
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::Error;

            fn from_str(text: &str) -> $crate::Result<Self> {
                $crate::names::named(&NAMES, text, $what, "")
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str($crate::names::name_of(&NAMES, self))
            }
        }
    };
}
pub(crate) use by_name;
