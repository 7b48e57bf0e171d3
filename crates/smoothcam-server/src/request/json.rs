//! Reads bodies of JSON, and lists within them up to a limit.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

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

/// The most items of a [`BoundedList`]: more than any limit on pictures allows.
pub(crate) const MAX_ITEMS: usize = 1 << 16;

/// A list of at most [`MAX_ITEMS`]. In a list without a bound, a body of nothing but commas would take many times its
/// size in memory.
pub(crate) struct BoundedList<T>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for BoundedList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = BoundedList<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<BoundedList<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MAX_ITEMS {
                return Err(A::Error::custom(format!("a list has more than {MAX_ITEMS} items")));
            }
            items.push(item);
        }
        Ok(BoundedList(items))
    }
}
