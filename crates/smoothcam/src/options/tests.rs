//! The table as a whole, and options read from text.

use std::collections::BTreeSet;

use super::*;

/// A value that each kind accepts, and one that it refuses.
fn examples(spec: &OptionSpec) -> (String, Option<&'static str>) {
    match spec.kind {
        Kind::Flag => ("true".into(), Some("maybe")),
        Kind::Integer(min, _) => (min.to_string(), Some("-1")),
        Kind::Number(..) => ("0.5".into(), Some("x")),
        Kind::Numbers => ("-0.5,1".into(), Some("1,x")),
        Kind::Choice(names, _) => (names()[0].into(), Some("no such name")),
        Kind::File(_) => ("file".into(), Some("")),
        Kind::Text(..) => match spec.name {
            "layer" | "class" | "output" => ("any text".into(), None),
            "grid" | "size" => ("14x20".into(), Some("14xx")),
            "maps" => ("3,17,40-47".into(), Some("9-3")),
            "neurons" => ("2-5,0-3".into(), Some("2-5")),
            "samples" => ("auto".into(), Some("100000000")),
            "regions" => ("otsu".into(), Some("1.5")),
            "input" => ("name=file.npy".into(), Some("name")),
            "resize" => ("shortest:256".into(), Some("shorter")),
            "provider" => ("cuda,cpu".into(), Some("gpu")),
            "window" => ("-160,240".into(), Some("240,-160")),
            "memory" => ("1.5G".into(), Some("much")),
            name => panic!("the option {name} has no example here"),
        },
    }
}

#[test]
fn every_row_is_complete_and_unlike_the_others() {
    let mut seen = BTreeSet::new();
    for spec in all() {
        let name = spec.name;
        assert!(
            name.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !name.is_empty(),
            "{name}"
        );
        assert!(!spec.help.is_empty() && !spec.help.ends_with('.'), "{name}: {}", spec.help);
        assert!(!spec.help.contains("--"), "{name}: the help speaks the command line's language");
        assert!(!spec.places.is_empty(), "{name} shows nowhere");
        for place in spec.places {
            assert!(seen.insert((name, format!("{place:?}"))), "{name} stands twice at {place:?}");
        }
        for other in spec.conflicts.iter().chain(&spec.requires) {
            assert!(all().any(|spec| spec.name == *other), "{name} speaks of {other}");
        }
    }
}

#[test]
fn every_option_accepts_its_values_and_refuses_others() {
    for spec in all() {
        let (right, wrong) = examples(spec);
        assert!(spec.check(&right).is_ok(), "{}={right}", spec.name);
        if let Some(wrong) = wrong {
            assert!(spec.check(wrong).is_err(), "{}={wrong}", spec.name);
        }
        if let Default::Value(value) = spec.default {
            assert!(spec.check(&value()).is_ok(), "the default of {} is {}", spec.name, value());
        }
    }
}

/// No text is too odd: it is a value or it is refused.
#[test]
fn odd_texts_never_panic() {
    let odd = [
        "",
        " ",
        "-",
        "--",
        "0",
        "-0",
        "1e999",
        "NaN",
        "inf",
        "\u{0}",
        "\u{202e}x",
        "é",
        "9-",
        "-9",
        ",,",
        ":",
        "=",
        "x=y",
    ];
    let long = "9".repeat(100_000);
    for spec in all() {
        for text in odd.iter().copied().chain([long.as_str()]) {
            let _ = spec.check(text);
            let mut options = RawOptions::default();
            options.push(spec.name, text);
            let _ = settings(&mut options.clone(), Place::Http);
            let _ = answer(&mut options.clone(), Place::Http);
            let _ = style(&mut options, Place::Http);
        }
    }
}

#[test]
fn defaults_in_words_are_made_of_the_methods() {
    let samples = find("samples", Place::Explain).unwrap().default_in_words().unwrap();
    assert_eq!(
        samples,
        "8 for smooth-grad-cam++ and smooth-grad-cam++-as-printed, 25 for smooth-grad, else none"
    );
    assert_eq!(find("sigma", Place::Http).unwrap().default_in_words().unwrap(), "0.2");
}

/// The defaults that the table describes are those of the structures that it sets.
#[test]
fn described_defaults_are_the_real_ones() {
    fn agree<T: std::default::Default>(table: &'static [row::Row<T>]) {
        let default = T::default();
        for (spec, values) in row::texts(table, &default) {
            match spec.default {
                Default::Value(described) => assert_eq!([described()], *values, "{}", spec.name),
                _ => assert_eq!(values, ["false"], "{}", spec.name),
            }
        }
    }
    agree(explanation::SETTINGS);
    agree(export::EXPORTS);
    agree(answer::ANSWERS);
    agree(appearance::STYLE);
    agree(limits::LIMITS);
}

fn raw(pairs: &[(&str, &str)]) -> RawOptions {
    let mut options = RawOptions::default();
    pairs.iter().for_each(|(name, value)| options.push(*name, *value));
    options
}

#[test]
fn options_become_settings_and_texts_again() {
    let pairs = [
        ("method", "grad-cam"),
        ("layer", "blocks.10"),
        ("grid", "14x20"),
        ("skip_tokens", "1"),
        ("class", ""),
        ("maps", "3,17,40-47"),
        ("neurons", "2-5,0-3"),
        ("signed", "true"),
        ("samples", "auto"),
        ("tolerance", "0.1"),
        ("sigma", "0.3"),
        ("seed", "18446744073709551615"),
    ];
    let mut options = raw(&[("class", "tiger cat"), ("class", "281")]);
    // In any order.
    pairs.iter().rev().filter(|(n, _)| *n != "class").for_each(|(n, v)| options.push(*n, *v));
    let read = settings(&mut options, Place::Http).unwrap();
    assert_eq!(options, RawOptions::default(), "all options were taken out");
    assert_eq!(read.grid.unwrap().skip_tokens, 1);
    let expected = pairs.map(|(name, value)| match name {
        "class" => (name, vec!["tiger cat".to_owned(), "281".to_owned()]),
        _ => (name, vec![value.to_owned()]),
    });
    assert_eq!(texts(&read), expected);
    assert!(texts(&Settings::default()).is_empty());
}

#[test]
fn mistakes_are_named() {
    for (pairs, words) in [
        (vec![("method", "no")], "method: there is no method 'no'"),
        (vec![("sigma", "0")], "sigma: '0' is not a number above 0, at most 10"),
        (
            vec![("tolerance", "1"), ("samples", "auto")],
            "tolerance: '1' is not a number above 0, below 1",
        ),
        (vec![("tolerance", "0.5")], "tolerance is given, but no samples"),
        (vec![("tolerance", "0.5"), ("samples", "8")], "left open"),
        (vec![("sigma", "1"), ("sigma_absolute", "1")], "sigma and sigma_absolute are both given"),
        (vec![("skip_tokens", "1")], "skip_tokens is given, but no grid"),
        (vec![("grid", "14x14")], "grid is given, but no layer"),
        (vec![("seed", "1"), ("seed", "2")], "seed is given several times"),
        (vec![("samples", "many")], "'many' is not a number of samples, nor auto"),
        (vec![("skip_tokens", "4097"), ("grid", "1x1"), ("layer", "x")], "from 0 to 4096"),
    ] {
        let error = settings(&mut raw(&pairs), Place::Http).unwrap_err().to_string();
        assert!(error.contains(words), "{pairs:?}: {error}");
    }
    let mut options = raw(&[("noise", "/etc/passwd")]);
    settings(&mut options, Place::Http).unwrap();
    let error = options.finish(Place::Http).unwrap_err();
    assert!(error.to_string().contains("no option 'noise'"), "files are no options of requests");
}

/// Any text is accepted or refused, wherever the option shows, by itself and with what it needs.
#[test]
fn any_text_is_accepted_or_refused() {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    let letters = "[-+0-9eExX,:;.@=/ a-zA-Z%\u{e9}\u{0}\u{202e}]{0,24}";
    let numbers = prop_oneof![
        any::<u64>().prop_map(|n| n.to_string()),
        any::<f32>().prop_map(|x| x.to_string()),
        (any::<u64>(), any::<u64>()).prop_map(|(a, b)| format!("{a}-{b},{b}-{a}")),
        (any::<u64>(), any::<u64>()).prop_map(|(a, b)| format!("0-{a},0-{b}")),
    ];
    let specs: Vec<&'static OptionSpec> = all().collect();
    let option = 0..specs.len();
    let text = prop_oneof![letters.prop_map(|s| s), numbers, ".{0,40}"];
    let cut = (any::<proptest::sample::Index>(), any::<bool>());
    let config = Config { cases: 4000, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng)
        .run(&(option, text, cut), |(spec, text, (at, spliced))| {
            let spec = specs[spec];
            // Half of the texts are put into one that is right.
            let (right, _) = examples(spec);
            let at = at.index(right.len() + 1);
            let text = if spliced { [&right[..at], &text, &right[at..]].concat() } else { text };
            let _ = spec.check(&text);
            for place in spec.places {
                let mut options = RawOptions::default();
                let needed = spec.requires.and_then(|name| find(name, *place));
                options.push(spec.name, text.as_str());
                needed.into_iter().for_each(|spec| options.push(spec.name, examples(spec).0));
                let read = |read: fn(&mut RawOptions, Place) -> Result<()>| {
                    let _ = read(&mut options.clone(), *place);
                };
                read(|options, place| settings(options, place).map(drop));
                read(|options, place| style(options, place).map(drop));
                read(|options, place| answer(options, place).map(drop));
                read(|options, place| export(options, place).map(drop));
                read(|options, place| decoding(options, place).map(drop));
                read(|options, place| model(options, place).map(drop));
            }
            Ok(())
        })
        .unwrap();
}
