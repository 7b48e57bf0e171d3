//! Hints name options of the command line as flags.

use smoothcam::{Hint, Wording};

/// A hint as a user of the command line can follow it; `None` if there is no way out here.
pub(crate) fn worded(hint: Option<&Hint>) -> Option<String> {
    hint?.worded(&Flags)
}

/// The wording of the command line: options are flags.
pub(crate) struct Flags;

impl Wording for Flags {
    fn set(&self, options: &[(&str, &str)]) -> Option<String> {
        let set = |(name, value): &(&str, &str)| match *value {
            "true" => flag(name),
            value => format!("{} {value}", flag(name)),
        };
        Some(options.iter().map(set).collect::<Vec<_>>().join(" "))
    }

    fn leave_out(&self, options: &[&str]) -> Option<String> {
        Some(options.iter().map(|name| flag(name)).collect::<Vec<_>>().join(" and "))
    }

    fn list_layers(&self, all: bool) -> Option<String> {
        Some(if all { "the command 'layers --all'" } else { "the command 'layers'" }.to_owned())
    }
}

/// `--skip-tokens` for `skip_tokens`.
fn flag(option: &str) -> String {
    format!("--{}", option.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_flags() {
        let grid = Hint::set_all(&[("grid", "14x14"), ("skip_tokens", "1")], "give its grid");
        for (hint, expected) in [
            (grid, "give its grid: --grid 14x14 --skip-tokens 1"),
            (Hint::set("class_input", "true", "ask"), "ask: --class-input"),
            (Hint::leave_out_all(&["samples", "sigma"]), "leave out --samples and --sigma"),
            (
                Hint::list_layers(true).or("shrink it"),
                "the command 'layers --all' lists the layers that can be explained; or shrink it",
            ),
        ] {
            assert_eq!(worded(Some(&hint)).unwrap(), expected);
        }
        assert_eq!(worded(None), None);
    }
}
