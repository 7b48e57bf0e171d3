//! Python's literals are read as JSON values.
//!
//! Ultralytics writes the `repr` of a dictionary into ONNX metadata, and a list of ImageNet's labels that is often copied
//! is a Python dictionary.

use std::iter::Peekable;
use std::str::Chars;

use crate::model_config::json::{Map, Value};

/// Lists that are nested more deeply than this hold no labels.
const DEPTH: usize = 4;

/// The value of a list or dictionary of strings and numbers; `None` if the text is something else.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { chars: text.chars().peekable() };
    let value = reader.value(DEPTH)?;
    reader.next().is_none().then_some(value)
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    /// The next character that is no white space.
    fn next(&mut self) -> Option<char> {
        self.chars.find(|c| !c.is_whitespace())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        match self.next()? {
            '{' => self.dictionary(depth),
            '[' => self.list(depth),
            quote @ ('"' | '\'') => self.string(quote).map(Value::String),
            first => Some(self.word(first)),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value> {
        let mut map = Map::new();
        loop {
            let key = match self.next()? {
                '}' => break,
                quote @ ('"' | '\'') => self.string(quote)?,
                first => match self.word(first) {
                    Value::String(word) => word,
                    other => other.to_string(),
                },
            };
            if self.next()? != ':' {
                return None;
            }
            map.insert(key, self.value(depth)?);
            match self.next()? {
                ',' => {}
                '}' => break,
                _ => return None,
            }
        }
        Some(Value::Object(map))
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        loop {
            while self.chars.next_if(|c| c.is_whitespace()).is_some() {}
            if self.chars.next_if_eq(&']').is_some() {
                break;
            }
            items.push(self.value(depth)?);
            match self.next()? {
                ',' => {}
                ']' => break,
                _ => return None,
            }
        }
        Some(Value::Array(items))
    }

    /// The rest of a string that began with `quote`.
    fn string(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        loop {
            match self.chars.next()? {
                c if c == quote => return Some(text),
                '\\' => text.push(self.escaped()?),
                c => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.chars.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            other => other,
        })
    }

    /// The character of a code of `digits` hexadecimal digits.
    fn code(&mut self, digits: usize) -> Option<char> {
        let mut code = 0_u32;
        for _ in 0..digits {
            code = code.checked_mul(16)?.checked_add(self.chars.next()?.to_digit(16)?)?;
        }
        // JSON writes a character beyond 0xFFFF as two halves, neither of which is a character.
        Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// A number, or a word such as `None` as a string; it begins with `first`.
    fn word(&mut self, first: char) -> Value {
        let mut word = String::from(first);
        while let Some(c) = self.chars.next_if(|c| c.is_alphanumeric() || "._+-".contains(*c)) {
            word.push(c);
        }
        word.parse::<u64>().map_or(Value::String(word), Value::from)
    }
}
