//! Words hints of the library for those who send requests.

use smoothcam::options::{self, Place};
use smoothcam::{Hint, Wording};

/// A hint that names the options of a request; `None` if it speaks of other things only, with which whoever
/// sends requests can do nothing.
pub(crate) fn hint_for_requests(hint: &Hint) -> Option<String> {
    hint.worded(&RequestWording)
}

/// Options as requests name them.
pub(crate) struct RequestWording;

impl Wording for RequestWording {
    fn set(&self, options: &[(&str, &str)]) -> Option<String> {
        let set = |(name, value): &(&str, &str)| is_option(name).then(|| format!("{name}={value}"));
        Some(options.iter().map(set).collect::<Option<Vec<_>>>()?.join(" and "))
    }

    fn leave_out(&self, options: &[&str]) -> Option<String> {
        options.iter().all(|name| is_option(name)).then(|| options.join(" and "))
    }

    fn list_layers(&self, _: bool) -> Option<String> {
        Some("the address /about/MODEL".to_owned())
    }
}

/// Whether requests have such an option.
fn is_option(name: &str) -> bool {
    options::find(name, Place::Http).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_options_only() {
        let grid = [("grid", "14x14"), ("skip_tokens", "1")];
        let labels = Hint::set("labels", "FILE", "give the labels");
        for (hint, expected) in [
            (Hint::leave_out("samples"), Some("leave out samples")),
            (Hint::leave_out("size"), None),
            (
                Hint::set_all(&grid, "give its grid"),
                Some("give its grid: grid=14x14 and skip_tokens=1"),
            ),
            (Hint::advice("give the class's index").or(labels), Some("give the class's index")),
            (Hint::set("max_bytes", "BYTES", "allow more"), None),
            (
                Hint::list_layers(true),
                Some("the address /about/MODEL lists the layers that can be explained"),
            ),
        ] {
            assert_eq!(hint_for_requests(&hint).as_deref(), expected, "{hint}");
        }
    }
}
