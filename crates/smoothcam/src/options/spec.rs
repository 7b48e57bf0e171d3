//! Describes an option: its name, its kind, its default, and the front ends that show it.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use serde::Serialize;

use crate::methods::Method;
use crate::{Error, Hint, Result};

/// An option, as every front end describes it to its users.
#[derive(Clone, Copy)]
pub struct OptionSpec {
    /// Its name in HTTP requests, records and metadata: `skip_tokens`; on the command line `--skip-tokens`.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What is done without it.
    pub default: Default,
    /// One sentence without a full stop.
    pub help: &'static str,
    /// What it belongs to.
    pub group: Group,
    /// Whether it may be given several times.
    pub many: bool,
    /// The name of the option without which it means nothing.
    pub requires: Option<&'static str>,
    /// The names of options that exclude it.
    pub conflicts: &'static [&'static str],
    /// Where it shows.
    pub places: &'static [Place],
}

/// A front end, or a part of one, that shows options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The commands `explain` and `compare`.
    Explain,
    /// The command `bench`.
    Bench,
    /// The command `export`, and the metadata of exported models.
    Export,
    /// The command `evaluate`, where they take several values.
    Evaluate,
    /// The limits of every command that reads pictures.
    Limits,
    /// Every command that loads one model.
    Model,
    /// The command `serve`.
    Serve,
    /// The command `grad`.
    Grad,
    /// HTTP requests.
    Http,
    /// The controls of the web page.
    Page,
}

/// What an option belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the titles say it")]
pub enum Group {
    Target,
    Noise,
    Map,
    Answer,
    Appearance,
    Picture,
    Model,
    Engine,
    Limits,
}

impl Group {
    /// Its title in print.
    pub fn title(self) -> &'static str {
        match self {
            Group::Target => "What to explain",
            Group::Noise => "Noise",
            Group::Map => "The map",
            Group::Answer => "The answer",
            Group::Appearance => "Appearance",
            Group::Picture => "The picture",
            Group::Model => "Model",
            Group::Engine => "Engine",
            Group::Limits => "Limits",
        }
    }
}

/// What the values of an option are.
#[derive(Clone, Copy)]
pub enum Kind {
    /// On or off: `true` or `false`.
    Flag,
    /// A whole number within these limits, both included.
    Integer(u64, u64),
    /// A number within these limits.
    Number(Bound<f64>, Bound<f64>),
    /// Numbers, separated by commas.
    Numbers,
    /// One of these names, which the function reads in other spellings, too.
    Choice(fn() -> Vec<&'static str>, fn(&str) -> Result<()>),
    /// A text of this form, which the function checks. It may be a number.
    Text(&'static str, fn(&str) -> Result<()>),
    /// The path of a file of this form. Requests over HTTP never have such an option.
    File(&'static str),
}

/// What is done without an option.
#[derive(Clone, Copy)]
pub enum Default {
    /// It has this value.
    Value(fn() -> String),
    /// It has a value that depends on the method.
    ByMethod(fn(Method) -> String),
    /// This is done, in words.
    Words(&'static str),
    /// Nothing: a flag is off, an alternative is not taken.
    Nothing,
}

impl OptionSpec {
    /// What most options have in common: each adds its name, its help, where it shows, and what else it needs.
    pub(super) const BLANK: OptionSpec = OptionSpec {
        name: "",
        kind: Kind::Flag,
        default: Default::Nothing,
        help: "",
        group: Group::Target,
        many: false,
        requires: None,
        conflicts: &[],
        places: &[],
    };

    /// Its name on the command line, without the hyphens before it.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The default in words: `8 for smooth-grad-cam++, 25 for smooth-grad, else none`. `None` if there is nothing to
    /// say.
    pub fn default_in_words(&self) -> Option<String> {
        match self.default {
            Default::Value(value) => Some(value()),
            Default::ByMethod(of) => Some(by_method(of)),
            Default::Words(words) => Some(words.to_owned()),
            Default::Nothing => None,
        }
    }

    /// What stands for the value in a usage line: `N`, `FILE.npy`, `ROWSxCOLUMNS`.
    pub fn placeholder(&self) -> String {
        match self.kind {
            Kind::Integer(..) => "N".to_owned(),
            Kind::Text(form, _) | Kind::File(form) => form.to_owned(),
            Kind::Flag | Kind::Number(..) | Kind::Numbers | Kind::Choice(..) => {
                self.name.to_uppercase()
            }
        }
    }

    /// Checks that a text is a value of this option.
    ///
    /// # Errors
    /// If it is not; the message does not name the option, as its reader knows which one it is.
    pub fn check(&self, text: &str) -> Result<()> {
        let sound = match self.kind {
            Kind::Flag => matches!(text, "true" | "false"),
            Kind::Integer(min, max) => text.parse().is_ok_and(|n: u64| (min..=max).contains(&n)),
            Kind::Number(min, max) => text.parse().is_ok_and(|x: f64| (min, max).contains(&x)),
            Kind::Numbers => text.split(',').all(|x| x.trim().parse::<f64>().is_ok()),
            Kind::Choice(_, check) | Kind::Text(_, check) => return check(text),
            Kind::File(_) => !text.is_empty(),
        };
        if sound {
            return Ok(());
        }
        let error = Error::input(format!("'{text}' is not {}", self.kind));
        Err(match self.default {
            Default::Value(value) => error.with_hint(self.hint(&value(), "take the default")),
            _ => error,
        })
    }

    /// A hint to set this option to a value.
    pub fn hint(&self, value: &str, advice: &str) -> Hint {
        Hint::set(self.name, value, advice)
    }
}

impl fmt::Display for Kind {
    /// What is expected: `a whole number from 0 to 4096`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Flag => f.write_str("true or false"),
            Kind::Integer(min, u64::MAX) => write!(f, "a whole number from {min} on"),
            Kind::Integer(min, max) => write!(f, "a whole number from {min} to {max}"),
            Kind::Number(Bound::Included(min), Bound::Included(max)) => {
                write!(f, "a number from {min} to {max}")
            }
            Kind::Number(min, max) => {
                f.write_str("a number")?;
                match min {
                    Bound::Included(min) => write!(f, " from {min} on")?,
                    Bound::Excluded(min) => write!(f, " above {min}")?,
                    Bound::Unbounded => {}
                }
                match max {
                    Bound::Included(max) => write!(f, ", at most {max}"),
                    Bound::Excluded(max) => write!(f, ", below {max}"),
                    Bound::Unbounded => Ok(()),
                }
            }
            Kind::Numbers => f.write_str("numbers, separated by commas"),
            Kind::Choice(names, _) => write!(f, "one of {}", names().join(", ")),
            Kind::Text(form, _) => write!(f, "{form}"),
            Kind::File(form) => write!(f, "a file {form}"),
        }
    }
}

/// The defaults of all methods in words: those that differ from most, then what the others have.
fn by_method(of: fn(Method) -> String) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for method in Method::all() {
        let value = of(method);
        match groups.iter_mut().find(|(other, _)| *other == value) {
            Some((_, methods)) => methods.push(method.name()),
            None => groups.push((value, vec![method.name()])),
        }
    }
    let most = groups.iter().map(|(_, methods)| methods.len()).max();
    let (usual, special): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|(_, methods)| Some(methods.len()) == most);
    let special =
        special.iter().map(|(value, methods)| format!("{value} for {}", methods.join(" and ")));
    let usual = usual.iter().map(|(value, _)| format!("else {value}")).take(1);
    special.chain(usual).collect::<Vec<_>>().join(", ")
}

/// Checks that a text is of a type that can be read from text.
///
/// # Errors
/// Those of reading it.
pub(super) fn parses<T: std::str::FromStr<Err = Error>>(text: &str) -> Result<()> {
    text.parse::<T>().map(drop)
}

/// Accepts any text.
///
/// # Errors
/// None.
pub(super) fn any(_: &str) -> Result<()> {
    Ok(())
}
