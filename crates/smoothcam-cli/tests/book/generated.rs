//! The parts of README.md that are generated: `SMOOTHCAM_WRITE_README=1 cargo test --test readme`
//! writes them anew.

use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- operators: generated from the rules -->\n";
const END: &str = "<!-- end -->";

#[test]
fn the_table_of_operators_is_that_of_the_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has a table of operators");
    let (found, after) = rest.split_once(END).expect("README.md's table of operators ends");
    let expected = table();
    if std::env::var_os("SMOOTHCAM_WRITE_README").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(found, expected, "the rules have changed: write README.md anew");
}

fn table() -> String {
    let kinds = [
        ("rule", "differentiated"),
        ("decomposition", "differentiated as what they are made of"),
        ("rewritten", "read as others, and differentiated as those"),
        ("no gradient", "no gradient flows (shapes, indices, comparisons, steps)"),
    ];
    let mut table = String::from("\n| | operators |\n|---|---|\n");
    for (kind, words) in kinds {
        let of_kind = smoothcam::operators().filter(|(_, how)| *how == kind);
        let names: Vec<_> = of_kind.map(|(op, _)| op).collect();
        table.push_str(&format!("| {words} | {} |\n", names.join(", ")));
    }
    table.push('\n');
    table
}
