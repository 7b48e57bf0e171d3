//! A hint names the ways out of an error; each front end writes the options in it as its users do.

use std::fmt;

use crate::printable::message;

/// The ways out of an error, any of which helps.
///
/// Options have the names that they have in HTTP requests (`skip_tokens`). A front end writes them in its own language
/// by its [`Wording`]; displayed, they stand as they are: `name the layer: layer=NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint(Vec<Way>);

/// One way out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// What to do, true in every front end: `shrink the picture`.
    Advice(String),
    /// Options to set, with their values, and what that is good for: `name the layer`.
    Set { options: Vec<(&'static str, String)>, advice: String },
    /// Options that were set and should not be.
    LeaveOut(Vec<&'static str>),
    /// A look at the layers: at all of them, or at those worth explaining.
    ListLayers { all: bool },
}

/// How a front end writes options. `None` drops the way out: this front end does not have such an option.
pub trait Wording {
    /// Options with the values to give them, such as `--grid 14x14 --skip-tokens 1`. An option that is either on or
    /// off has the value `true`.
    fn set(&self, options: &[(&str, &str)]) -> Option<String>;

    /// The names of options, such as `--grid and --skip-tokens`.
    fn leave_out(&self, options: &[&str]) -> Option<String>;

    /// What lists the model's layers, such as `the command 'layers --all'`: `all` with a grid, or those that are worth
    /// explaining.
    fn list_layers(&self, all: bool) -> Option<String>;
}

impl Hint {
    /// Advice that is true in every front end, as one imperative sentence without a full stop.
    pub fn advice(advice: impl Into<String>) -> Hint {
        Hint(vec![Way::Advice(advice.into())])
    }

    /// An option to set: its name, its value or what stands for it (`NAME`), and in words what it is good for.
    pub fn set(option: &'static str, value: &str, advice: impl Into<String>) -> Hint {
        Hint::set_all(&[(option, value)], advice)
    }

    /// Options to set together.
    pub fn set_all(options: &[(&'static str, &str)], advice: impl Into<String>) -> Hint {
        let options = options.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Hint(vec![Way::Set { options, advice: advice.into() }])
    }

    /// An option that should not be set.
    pub fn leave_out(option: &'static str) -> Hint {
        Hint::leave_out_all(&[option])
    }

    /// Options that should not be set.
    pub fn leave_out_all(options: &[&'static str]) -> Hint {
        Hint(vec![Way::LeaveOut(options.to_vec())])
    }

    /// A look at the model's layers: at `all` with a grid, or at those that are worth explaining.
    pub fn list_layers(all: bool) -> Hint {
        Hint(vec![Way::ListLayers { all }])
    }

    /// This hint, and another one that helps just as well.
    #[must_use]
    pub fn or(mut self, other: impl Into<Hint>) -> Hint {
        self.0.extend(other.into().0);
        self
    }

    /// The hint in a front end's language, control characters escaped, and cut if it is very long; `None` if it has none of
    /// the ways out.
    pub fn worded(&self, wording: &dyn Wording) -> Option<String> {
        let ways: Vec<String> = self.0.iter().filter_map(|way| way.worded(wording)).collect();
        (!ways.is_empty()).then(|| message(&ways.join("; or ")))
    }
}

impl Way {
    fn worded(&self, wording: &dyn Wording) -> Option<String> {
        match self {
            Way::Advice(advice) => Some(advice.clone()),
            Way::Set { options, advice } => {
                let options: Vec<_> =
                    options.iter().map(|(n, value)| (*n, value.as_str())).collect();
                wording.set(&options).map(|options| format!("{advice}: {options}"))
            }
            Way::LeaveOut(options) => {
                wording.leave_out(options).map(|options| format!("leave out {options}"))
            }
            Way::ListLayers { all } => wording
                .list_layers(*all)
                .map(|list| format!("{list} lists the layers that can be explained")),
        }
    }
}

impl From<&str> for Hint {
    fn from(advice: &str) -> Hint {
        Hint::advice(advice)
    }
}

impl From<String> for Hint {
    fn from(advice: String) -> Hint {
        Hint::advice(advice)
    }
}

/// Options by their own names, whatever front end there is.
struct AsNamed;

impl Wording for AsNamed {
    fn set(&self, options: &[(&str, &str)]) -> Option<String> {
        let options: Vec<_> =
            options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Some(options.join(" and "))
    }

    fn leave_out(&self, options: &[&str]) -> Option<String> {
        Some(options.join(" and "))
    }

    fn list_layers(&self, _: bool) -> Option<String> {
        Some("Explainer::layers".to_owned())
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.worded(&AsNamed).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A front end without the option `labels` and without a list of layers.
    struct Flags;

    impl Wording for Flags {
        fn set(&self, options: &[(&str, &str)]) -> Option<String> {
            let flag = |(name, value): &(&str, &str)| {
                (*name != "labels").then(|| format!("--{name} {value}"))
            };
            Some(options.iter().map(flag).collect::<Option<Vec<_>>>()?.join(" "))
        }

        fn leave_out(&self, options: &[&str]) -> Option<String> {
            Some(format!("--{}", options.join(" and --")))
        }

        fn list_layers(&self, _: bool) -> Option<String> {
            None
        }
    }

    #[test]
    fn each_front_end_words_a_hint() {
        let grid = Hint::set_all(&[("grid", "14x14"), ("skip", "1")], "give its grid");
        for (hint, flags, displayed) in [
            (Hint::from("shrink it"), Some("shrink it"), "shrink it"),
            (
                grid,
                Some("give its grid: --grid 14x14 --skip 1"),
                "give its grid: grid=14x14 and skip=1",
            ),
            (Hint::leave_out_all(&["a", "b"]), Some("leave out --a and --b"), "leave out a and b"),
            (Hint::set("labels", "FILE", "give them"), None, "give them: labels=FILE"),
            (
                Hint::set("labels", "FILE", "give them")
                    .or("give indices")
                    .or(Hint::leave_out("x")),
                Some("give indices; or leave out --x"),
                "give them: labels=FILE; or give indices; or leave out x",
            ),
            (
                Hint::list_layers(true),
                None,
                "Explainer::layers lists the layers that can be explained",
            ),
            (Hint::from("name 'a\u{1b}'"), Some("name 'a\\u{1b}'"), "name 'a\\u{1b}'"),
        ] {
            assert_eq!(hint.worded(&Flags).as_deref(), flags, "{hint:?}");
            assert_eq!(hint.to_string(), displayed);
        }
    }
}
