//! Reads bodies of JSON, and lists and options within them up to a limit.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::rejection::Rejection;

/// Reads JSON.
///
/// # Errors
/// If it is not JSON, or not that of a `T`.
pub(crate) fn read_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Rejection> {
    serde_json::from_slice(text).map_err(|e| Rejection::bad(format!("the request's JSON: {e}")))
}

/// Reads the object of JSON that a request consists of.
///
/// # Errors
/// If it is not JSON, or not that of a `T`, with the hint `form`, which says what the object looks like.
pub(crate) fn read_request<T: DeserializeOwned>(text: &[u8], form: &str) -> Result<T, Rejection> {
    // A list would be read as the object's values.
    if text.trim_ascii_start().first() == Some(&b'[') {
        return Err(
            Rejection::bad("the request's JSON is a list, expected an object").with_hint(form)
        );
    }
    read_json(text).map_err(|rejection| rejection.with_hint(form))
}

/// The most options of a request: more than there are.
pub(super) const MOST_OPTIONS: usize = 256;
/// The longest JSON of options, in bytes: it holds as many classes as are explained at once.
const LONGEST_JSON: usize = 100_000;

/// Refuses JSON that is longer than any use of it: read, it would take many times its size in memory.
pub(crate) fn check_size(json: &RawValue) -> Result<(), String> {
    match json.get().len() {
        length if length > LONGEST_JSON => {
            Err(format!("they are {length} bytes of JSON, at most {LONGEST_JSON} are read"))
        }
        _ => Ok(()),
    }
}

/// The most items of a list of pictures: more than any limit on pictures allows.
pub(crate) const MAX_ITEMS: usize = 1 << 16;
/// The most items of a list of something else: names, sizes.
pub(crate) const FEW: usize = 16;

/// A list of at most so many items. In a list without a bound, a body of nothing but commas would take many times its
/// size in memory.
pub(crate) struct BoundedList<T, const MOST: usize = MAX_ITEMS>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for BoundedList<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for ListVisitor<T, MOST> {
    type Value = BoundedList<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<BoundedList<T, MOST>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MOST {
                return Err(A::Error::custom(format!("a list has more than {MOST} items")));
            }
            items.push(item);
        }
        Ok(BoundedList(items))
    }
}
