//! Compares the parts of the book that are generated with what the library says.
//! `SMOOTHCAM_WRITE_DOCS=1 cargo test --test book generated` writes them anew.

use std::fs;

use regex::Regex;
use smoothcam::Method;
use smoothcam::options::{Group, Kind, OptionSpec, Place, all};

use crate::pages::{page, root};

const END: &str = "<!-- end -->";

/// A part of a page that is generated.
struct Part {
    page: &'static str,
    /// The line before it.
    begin: &'static str,
    text: fn() -> String,
}

const PARTS: [Part; 3] = [
    Part {
        page: "docs/src/methods.md",
        begin: "<!-- methods: generated from the library -->",
        text: methods,
    },
    Part {
        page: "docs/src/operators.md",
        begin: "<!-- operators: generated from the rules -->",
        text: operators,
    },
    Part { page: "docs/src/options.md", begin: "<!-- options: generated -->", text: options },
];

#[test]
fn generated_parts_are_up_to_date() {
    let write = std::env::var_os("SMOOTHCAM_WRITE_DOCS").is_some();
    for Part { page: name, begin, text: part } in PARTS {
        let text = page(name).text;
        let (before, rest) = text.split_once(begin).unwrap_or_else(|| panic!("{name}: no {begin}"));
        let (found, after) = rest.split_once(END).unwrap_or_else(|| panic!("{name}: no {END}"));
        let expected = format!("\n\n{}\n", part());
        if write {
            fs::write(root().join(name), format!("{before}{begin}{expected}{END}{after}")).unwrap();
        } else {
            assert_eq!(
                found, expected,
                "{name}: the library has changed, SMOOTHCAM_WRITE_DOCS=1 writes the page"
            );
        }
    }
}

/// The methods, their formulas and sources.
fn methods() -> String {
    let link = Regex::new(r"arXiv ([0-9]{4}\.[0-9]{4,5})").unwrap();
    let mut table = String::from(
        "| `--method` | in print | formula and source | samples |\n|---|---|---|---|\n",
    );
    for method in Method::all() {
        let source = method.source().replace('|', r"\|");
        let source = link.replace_all(&source, "[arXiv $1](https://arxiv.org/abs/$1)");
        let samples = match (method.takes_samples(0), method.takes_samples(1)) {
            (true, true) => "0, or more".to_owned(),
            (true, false) => "none".to_owned(),
            _ => method.default_samples().to_string(),
        };
        let (name, title) = (method.name(), method.title(false));
        table.push_str(&format!("| `{name}` | {title} | {source} | {samples} |\n"));
    }
    table
}

/// All operators, by how the gradient passes them.
fn operators() -> String {
    let kinds = [
        ("rule", "differentiated"),
        ("decomposition", "differentiated as what they are made of"),
        ("rewritten", "read as others, and differentiated as those"),
        ("no gradient", "no gradient flows (shapes, indices, comparisons, steps)"),
    ];
    let mut table = String::from("| how | operators |\n|---|---|\n");
    for (kind, words) in kinds {
        let of_kind = smoothcam::operators().filter(|(_, how)| *how == kind);
        let names: Vec<_> = of_kind.map(|(op, _)| op).collect();
        table.push_str(&format!("| {words} | {} |\n", names.join(", ")));
    }
    table
}

/// All options, a table for each group.
fn options() -> String {
    let groups =
        all().map(|option| option.group).fold(Vec::new(), |mut groups: Vec<Group>, group| {
            if !groups.contains(&group) {
                groups.push(group);
            }
            groups
        });
    let table = |group: &Group| {
        let rows: String = all().filter(|o| o.group == *group).map(option).collect();
        format!(
            "## {}\n\n| option | what | values | default | where |\n|---|---|---|---|---|\n{rows}",
            group.title()
        )
    };
    groups.iter().map(table).collect::<Vec<_>>().join("\n")
}

/// An option as a row.
fn option(option: &OptionSpec) -> String {
    let places = option.places.iter().map(|place| {
        let place = serde_json::to_value(place).unwrap();
        place.as_str().unwrap_or_default().to_owned()
    });
    let default = option.default_in_words().unwrap_or_default();
    let cells = [
        if option.places.iter().all(|place| matches!(place, Place::Http | Place::Page)) {
            format!("`{}`", option.name)
        } else {
            format!("`--{}`", option.flag())
        },
        option.help.to_owned(),
        if let Kind::Flag = option.kind { "on".to_owned() } else { option.kind.to_string() },
        default,
        places.collect::<Vec<_>>().join(", "),
    ];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', r"\|")).join(" | "))
}
