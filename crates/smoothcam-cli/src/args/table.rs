//! Makes flags of the library's table of options.

use std::marker::PhantomData;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use smoothcam::options::{self, Kind, OptionSpec, Place, RawOptions};

use crate::wording::worded;

/// The options of the table that show at a place, as flags of a command.
pub(crate) struct Flags<P>(RawOptions, PhantomData<P>);

/// A place of the table whose options are flags.
pub(crate) trait FlagsOf {
    /// The place.
    const PLACE: Place;
}

/// Declares types that stand for places of the table.
macro_rules! places {
    ($($name:ident)*) => { $(
        #[doc = concat!("Stands for `Place::", stringify!($name), "`.")]
        pub(crate) struct $name;

        impl FlagsOf for $name {
            const PLACE: Place = Place::$name;
        }
    )* };
}

places!(Explain Bench Export Limits Model Serve Grad);

impl<P: FlagsOf> Flags<P> {
    /// The options that were given.
    pub(crate) fn options(&self) -> RawOptions {
        self.0.clone()
    }

    /// The value of an option, if it was given.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.values(name).next()
    }

    /// The files that the options name.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let of = |spec: &OptionSpec| -> Vec<PathBuf> {
            let values = self.0.values(spec.name);
            match spec.kind {
                Kind::File(_) => values.map(PathBuf::from).collect(),
                // NAME=FILE
                Kind::Text(form, _) if form.contains("=FILE") => {
                    values.filter_map(|v| Some(PathBuf::from(v.rsplit_once('=')?.1))).collect()
                }
                _ => Vec::new(),
            }
        };
        options::shown_at(P::PLACE).flat_map(of).collect()
    }

    /// Whether an option of the model's input was given: anything but the engine.
    pub(crate) fn describes_input(&self) -> bool {
        let of_engine = |name: &str| {
            options::find(name, P::PLACE).is_some_and(|spec| spec.group == options::Group::Engine)
        };
        self.0.names().any(|name| !of_engine(name))
    }
}

impl<P: FlagsOf> Args for Flags<P> {
    fn augment_args(command: Command) -> Command {
        options::shown_at(P::PLACE).fold(command, |command, spec| command.arg(arg(spec, P::PLACE)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<P: FlagsOf> FromArgMatches for Flags<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = RawOptions::default();
        for spec in options::shown_at(P::PLACE) {
            if let Kind::Flag = spec.kind {
                if matches.get_flag(spec.name) {
                    given.push(spec.name, "true");
                }
                continue;
            }
            for value in matches.get_many::<String>(spec.name).into_iter().flatten() {
                given.push(spec.name, value);
            }
        }
        Ok(Flags(given, PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// An option as a flag.
fn arg(spec: &'static OptionSpec, place: Place) -> Arg {
    let arg = Arg::new(spec.name)
        .long(spec.flag())
        .help(help(spec))
        .help_heading(spec.group.title())
        .requires_if_shown(spec.requires, place)
        .conflicts_with_all(spec.conflicts.iter().filter(|o| options::find(o, place).is_some()));
    let parser = match spec.kind {
        Kind::Flag => return arg.action(ArgAction::SetTrue),
        Kind::Choice(names, _) => PossibleValuesParser::new(names()).into(),
        _ => ValueParser::from(|text: &str| checked(spec, text)),
    };
    let action = if spec.many { ArgAction::Append } else { ArgAction::Set };
    arg.action(action)
        .value_name(spec.placeholder())
        .value_parser(parser)
        .ignore_case(true)
        .allow_negative_numbers(true)
        .allow_hyphen_values(matches!(spec.kind, Kind::Numbers))
}

/// What an option is for that takes several values here, and its default.
pub(crate) fn several(name: &str) -> String {
    let spec = options::find(name, Place::Evaluate);
    let default = spec.and_then(OptionSpec::default_in_words).unwrap_or_default();
    let help = spec.map_or("", |spec| spec.help);
    format!("{help}; several, separated by commas [default: {default}]")
}

/// What an option is for, and its default.
fn help(spec: &OptionSpec) -> String {
    match spec.default_in_words() {
        Some(default) => format!("{} [default: {default}]", spec.help),
        None => spec.help.to_owned(),
    }
}

/// The text, if it is a value of the option.
fn checked(spec: &OptionSpec, text: &str) -> Result<String, String> {
    spec.check(text).map(|()| text.to_owned()).map_err(|e| match worded(e.hint()) {
        Some(hint) => format!("{e}\nhint: {hint}"),
        None => e.to_string(),
    })
}

trait RequiresIfShown {
    fn requires_if_shown(self, other: Option<&'static str>, place: Place) -> Self;
}

impl RequiresIfShown for Arg {
    fn requires_if_shown(self, other: Option<&'static str>, place: Place) -> Arg {
        match other.filter(|other| options::find(other, place).is_some()) {
            Some(other) => self.requires(other),
            None => self,
        }
    }
}
