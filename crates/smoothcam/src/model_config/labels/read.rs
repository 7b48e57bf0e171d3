//! Labels are read from text files, JSON and Python literals.

use super::literal;
use super::names::ClassNames;
use crate::model_config::json::{self, Value};
use crate::model_config::source::unusable;
use crate::{Error, Result};

/// The most classes: a larger index is a mistake, and would cost memory.
const MOST: usize = 1 << 20;

/// The names in a file's text: one a line, or a JSON or Python list or dictionary. Messages call the file `source`.
///
/// # Errors
/// If the text holds no labels.
pub(in crate::model_config) fn read(text: &str, source: &str) -> Result<ClassNames> {
    // Windows editors begin UTF-8 files with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with(['{', '[']) {
        let value = json::value(text).or_else(|| literal::parse(text));
        let value = value.ok_or_else(|| wrong(source, "a list or dictionary"))?;
        return from_value(&value, source);
    }
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim).collect();
    if lines.iter().all(|line| line.is_empty()) || lines.len() > MOST {
        return Err(wrong(source, "one name per line"));
    }
    let names = without_indices(&lines).unwrap_or(lines);
    Ok(ClassNames::split(names.into_iter().map(clean).collect()))
}

/// The names of lines that are numbered from 0 or 1 (`0: tench`, `0 tench`, `0,tench`), perhaps below a heading; `None` if
/// they are not.
fn without_indices<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let number = |line: &str| line.split([':', ' ', '\t', ',']).next()?.parse::<usize>().ok();
    let headed = lines.len() > 1 && number(lines[0]).is_none();
    let lines = &lines[usize::from(headed)..];
    let first = number(lines.first()?).filter(|first| *first < 2)?;
    let name = |(i, line): (usize, &&'a str)| {
        let (index, name) = line.split_once([':', ' ', '\t', ','])?;
        Some(name.trim()).filter(|name| index.parse() == Ok(i + first) && !name.is_empty())
    };
    lines.iter().enumerate().map(name).collect()
}

/// The keys under which files keep their labels beside other things.
const KEYS: [&str; 5] = ["id2label", "label2id", "labels", "names", "classes"];

/// The names of `["tench"]`, `{"0": "tench"}`, `{"0": ["n01440764", "tench"]}` or `{"tench": 0}`, perhaps under a key such
/// as `id2label`.
///
/// # Errors
/// If the value is something else.
pub(in crate::model_config) fn from_value(value: &Value, source: &str) -> Result<ClassNames> {
    let expected = "a list of names, or a dictionary of indices (below 2^20) and names";
    let inner = KEYS.iter().filter_map(|key| value.get(key));
    let value = inner.into_iter().find(|v| v.is_array() || v.is_object()).unwrap_or(value);
    let pairs: Option<Vec<(usize, String)>> = match value {
        Value::Array(names) => {
            names.iter().enumerate().map(|(i, name)| Some((i, self::name(name)?))).collect()
        }
        Value::Object(map) => map.iter().map(|(key, value)| pair(key, value)).collect(),
        _ => None,
    };
    let pairs = pairs.filter(|pairs| !pairs.is_empty() && pairs.iter().all(|pair| pair.0 < MOST));
    let pairs = pairs.ok_or_else(|| wrong(source, expected))?;
    let classes = pairs.iter().map(|pair| pair.0 + 1).max().unwrap_or(0);
    let mut names: Vec<String> = (0..classes).map(|i| format!("class {i}")).collect();
    for (index, name) in pairs {
        names[index] = name;
    }
    Ok(ClassNames::split(names))
}

/// The index and name of an entry of a dictionary.
fn pair(key: &str, value: &Value) -> Option<(usize, String)> {
    match value.as_u64() {
        Some(index) => Some((usize::try_from(index).ok()?, clean(key))),
        None => Some((key.parse().ok()?, name(value)?)),
    }
}

/// `tench`, or `n01440764 tench` of `["n01440764", "tench"]`.
fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(clean(name)),
        // Keras' imagenet_class_index.json writes spaces as underscores.
        Value::Array(parts) => {
            let parts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
            Some(clean(&parts?.join(" ").replace('_', " ")))
        }
        _ => None,
    }
}

/// A name without the spaces and double quotes around it.
pub(in crate::model_config) fn clean(name: &str) -> String {
    let name = name.trim();
    let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    quoted.unwrap_or(name).to_owned()
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
            "1: tench\n2: goldfish, Carassius",
            "\u{feff}id,name\n0,tench\n1,\"goldfish, Carassius\"",
            r#"["tench", "goldfish, Carassius"]"#,
            r#"{"0": "tench", "1": "goldfish, Carassius"}"#,
            r#"{"1": ["n01443537", "goldfish,_Carassius"], "0": ["n01440764", "tench"]}"#,
            r#"{"tench": 0, "goldfish, Carassius": 1}"#,
            r#"{"model": "x", "id2label": {"0": "tench", "1": "goldfish, Carassius"}}"#,
            r#"{"labels": ["tench", "goldfish, Carassius"], "size": 3}"#,
            "{0: 'tench', 1: \"goldfish, Carassius\"}",
            "{0: 'tench',\n 1: 'goldfish, Carassius',}",
            "['tench', 'goldfish, Carassius']",
        ] {
            assert_eq!(read(text, "x").unwrap().labels, ["tench", "goldfish, Carassius"], "{text}");
        }
    }

    #[test]
    fn wordnet_ids_are_kept() {
        for text in [
            "n01440764 tench\nn01443537 goldfish, Carassius",
            "n01440764,tench\nn01443537,goldfish, Carassius",
            "\u{feff}0 n01440764 tench\n1 n01443537 goldfish, Carassius",
            r#"{"1": ["n01443537", "goldfish,_Carassius"], "0": ["n01440764", "tench"]}"#,
            r#"[["n01440764", "tench"], ["n01443537", "goldfish, Carassius"]]"#,
            r#"["n01440764 tench", "n01443537 goldfish, Carassius"]"#,
        ] {
            let ClassNames { labels, ids } = read(text, "x").unwrap();
            assert_eq!(ids, ["n01440764", "n01443537"], "{text}");
            assert_eq!(labels, ["tench", "goldfish, Carassius"], "{text}");
        }
        for (text, ids) in [
            ("n01440764\nn01443537", &["n01440764", "n01443537"][..]),
            (r#"{"n01443537": 1, "n01440764": 0}"#, &["n01440764", "n01443537"]),
            ("n01440764 tench\ngoldfish", &[]),
        ] {
            assert_eq!(read(text, "x").unwrap().ids, ids, "{text}");
        }
    }

    #[test]
    fn oddities_are_kept() {
        for (text, expected) in [
            // Not every line has the prefix, so it is part of the names.
            ("0 tench\nfish", vec!["0 tench", "fish"]),
            ("n01440764\nn01443537", vec!["n01440764", "n01443537"]),
            ("2 tench\n3 fish", vec!["2 tench", "3 fish"]),
            ("{2: 'c', 0: 'a'}", vec!["a", "class 1", "c"]),
            (r#"{0: 'carpenter\'s \u00e9\x41', 1: "a\tb"}"#, vec!["carpenter's \u{e9}A", "a\tb"]),
            ("a\u{1b}[2Jb", vec!["a\u{1b}[2Jb"]),
        ] {
            assert_eq!(read(text, "x").unwrap().labels, expected, "{text}");
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
