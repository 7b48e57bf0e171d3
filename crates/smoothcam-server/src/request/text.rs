//! Reads options that may be written as texts or as numbers, in a query string or in JSON.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

/// A text; a number becomes a text, so that `8` and `"8"` are the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text(pub(crate) String);

/// Several texts; a single one may stand without a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Texts(pub(crate) Vec<String>);

/// A text or a number.
#[derive(ToSchema)]
#[schema(as = Text)]
#[serde(untagged)]
#[expect(dead_code, reason = "for the API's description")]
pub(crate) enum TextSchema {
    Text(String),
    Number(f64),
}

/// One text or number, or several.
#[derive(ToSchema)]
#[schema(as = Texts)]
#[serde(untagged)]
#[expect(dead_code, reason = "for the API's description")]
pub(crate) enum TextsSchema {
    One(TextSchema),
    Several(Vec<TextSchema>),
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, x: u64) -> Result<Text, E> {
        self.visit_str(&x.to_string())
    }

    fn visit_i64<E: Error>(self, x: i64) -> Result<Text, E> {
        self.visit_str(&x.to_string())
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<Text, E> {
        self.visit_str(&x.to_string())
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number, or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(vec![text.to_owned()]))
    }

    fn visit_u64<E: Error>(self, x: u64) -> Result<Texts, E> {
        self.visit_str(&x.to_string())
    }

    fn visit_i64<E: Error>(self, x: i64) -> Result<Texts, E> {
        self.visit_str(&x.to_string())
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<Texts, E> {
        self.visit_str(&x.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<Texts, E> {
        Ok(Texts::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(Text(text)) = list.next_element()? {
            texts.push(text);
        }
        Ok(Texts(texts))
    }
}
