//! Labels are read from text files, JSON and Python literals.

use super::literal;
use crate::model_config::json::{self, Value};
use crate::model_config::source::unusable;
use crate::{Error, Result};

/// The most classes: a larger index is a mistake, and would cost memory.
const MOST: usize = 1 << 20;

/// The labels in a file's text: one a line, or a JSON or Python list or dictionary. Messages call the file `source`.
///
/// # Errors
/// If the text holds no labels.
pub(in crate::model_config) fn read(text: &str, source: &str) -> Result<Vec<String>> {
    if text.trim_start().starts_with(['{', '[']) {
        let value = json::value(text).or_else(|| literal::parse(text));
        let value = value.ok_or_else(|| wrong(source, "a list or dictionary"))?;
        return from_value(&value, source);
    }
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim).collect();
    if lines.iter().all(|line| line.is_empty()) || lines.len() > MOST {
        return Err(wrong(source, "one name per line"));
    }
    let without = |name: fn(usize, &str) -> Option<&str>| -> Option<Vec<&str>> {
        lines.iter().enumerate().map(|(i, line)| name(i, line)).collect()
    };
    let names = without(after_wnid).or_else(|| without(after_index)).unwrap_or(lines);
    Ok(names.into_iter().map(clean).collect())
}

/// `tench` of `n01440764 tench`.
fn after_wnid(_: usize, line: &str) -> Option<&str> {
    let (wnid, name) = line.split_once([' ', '\t', ','])?;
    let digits = wnid.strip_prefix('n')?;
    let is_wnid = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
    Some(name.trim()).filter(|name| is_wnid && !name.is_empty())
}

/// `tench` of `0: tench`, `0 tench` or `0,tench` in line 0.
fn after_index(i: usize, line: &str) -> Option<&str> {
    let (index, name) = line.split_once([':', ' ', '\t', ','])?;
    Some(name.trim()).filter(|name| index.parse() == Ok(i) && !name.is_empty())
}

/// The labels of `["tench"]`, `{"0": "tench"}`, `{"0": ["n01440764", "tench"]}` or `{"tench": 0}`.
///
/// # Errors
/// If the value is something else.
pub(in crate::model_config) fn from_value(value: &Value, source: &str) -> Result<Vec<String>> {
    let expected = "a list of names, or a dictionary of indices (below 2^20) and names";
    let pairs: Option<Vec<(usize, String)>> = match value {
        Value::Array(names) => {
            names.iter().enumerate().map(|(i, name)| Some((i, clean(name.as_str()?)))).collect()
        }
        Value::Object(map) => map.iter().map(|(key, value)| pair(key, value)).collect(),
        _ => None,
    };
    let pairs = pairs.filter(|pairs| !pairs.is_empty() && pairs.iter().all(|pair| pair.0 < MOST));
    let pairs = pairs.ok_or_else(|| wrong(source, expected))?;
    let classes = pairs.iter().map(|pair| pair.0 + 1).max().unwrap_or(0);
    let mut labels: Vec<String> = (0..classes).map(|i| format!("class {i}")).collect();
    for (index, name) in pairs {
        labels[index] = name;
    }
    Ok(labels)
}

fn pair(key: &str, value: &Value) -> Option<(usize, String)> {
    match value {
        Value::String(name) => Some((key.parse().ok()?, clean(name))),
        // Keras' imagenet_class_index.json writes spaces as underscores.
        Value::Array(names) => {
            Some((key.parse().ok()?, clean(&names.last()?.as_str()?.replace('_', " "))))
        }
        index => Some((usize::try_from(index.as_u64()?).ok()?, clean(key))),
    }
}

/// A name without the spaces around it.
pub(in crate::model_config) fn clean(name: &str) -> String {
    name.trim().to_owned()
}

fn wrong(source: &str, expected: &str) -> Error {
    unusable(format!("the labels of {source} cannot be read: {expected} is expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_labels_is_read() {
        for text in [
            "tench\ngoldfish, Carassius\n",
            "tench\r\ngoldfish, Carassius\r\n\r\n",
            "n01440764 tench\nn01443537 goldfish, Carassius",
            "0: tench\n1: goldfish, Carassius",
            "0,tench\n1,goldfish, Carassius",
            r#"["tench", "goldfish, Carassius"]"#,
            r#"{"0": "tench", "1": "goldfish, Carassius"}"#,
            r#"{"1": ["n01443537", "goldfish,_Carassius"], "0": ["n01440764", "tench"]}"#,
            r#"{"tench": 0, "goldfish, Carassius": 1}"#,
            "{0: 'tench', 1: \"goldfish, Carassius\"}",
            "{0: 'tench',\n 1: 'goldfish, Carassius',}",
            "['tench', 'goldfish, Carassius']",
        ] {
            assert_eq!(read(text, "x").unwrap(), ["tench", "goldfish, Carassius"], "{text}");
        }
    }

    #[test]
    fn oddities_are_kept() {
        for (text, expected) in [
            // Not every line has the prefix, so it is part of the names.
            ("0 tench\nfish", vec!["0 tench", "fish"]),
            ("n01440764\nn01443537", vec!["n01440764", "n01443537"]),
            ("{2: 'c', 0: 'a'}", vec!["a", "class 1", "c"]),
            (r#"{0: 'carpenter\'s \u00e9\x41', 1: "a\tb"}"#, vec!["carpenter's \u{e9}A", "a\tb"]),
            ("a\u{1b}[2Jb", vec!["a\u{1b}[2Jb"]),
        ] {
            assert_eq!(read(text, "x").unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_labels_is_refused_by_name() {
        let deep = "[".repeat(100_000);
        for text in
            ["", "\n\n", "{", "{}", "[]", "[1]", "{'a': 'b'}", "{9999999: 'a'}", "{0: 'a", &deep]
        {
            let error = read(text, "labels.txt").unwrap_err().to_string();
            assert!(error.contains("labels.txt"), "{error}");
        }
    }
}
