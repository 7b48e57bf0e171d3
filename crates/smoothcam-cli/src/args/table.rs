//! Makes flags of the library's table of options.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::str::FromStr;

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
        .allow_hyphen_values(may_begin_with_minus(spec.kind))
}

/// Whether values are numbers, some of which may be negative, separated by commas.
fn may_begin_with_minus(kind: Kind) -> bool {
    match kind {
        Kind::Numbers => true,
        Kind::Text(form, _) => form.starts_with("LOW,") || matches!(form, "MAPS" | "NEURONS"),
        _ => false,
    }
}

/// What an option is for that takes several values here, and its default.
pub(crate) fn several(name: &str) -> String {
    let spec = options::find(name, Place::Evaluate);
    let default = spec.and_then(OptionSpec::default_in_words).unwrap_or_default();
    let help = spec.map_or("", |spec| spec.help);
    format!("{help}; several, separated by commas [default: {default}]")
}

/// Reads one of several values of an option.
pub(crate) fn one_of_several<T: FromStr>(
    name: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        if let Some(spec) = options::find(name, Place::Evaluate) {
            checked(spec, text)?;
        }
        text.parse().map_err(|_| "expected a number".to_owned())
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::args::Cli;

    /// The places whose options each command shows as flags.
    const COMMANDS: &[(&str, &[Place])] = &[
        ("explain", &[Place::Explain, Place::Model]),
        ("compare", &[Place::Explain, Place::Model]),
        ("bench", &[Place::Bench, Place::Model]),
        ("export", &[Place::Export, Place::Model]),
        ("layers", &[Place::Model]),
        ("evaluate", &[Place::Limits, Place::Model]),
        ("serve", &[Place::Serve]),
        ("grad", &[Place::Grad]),
    ];

    /// Every option of the table is a flag of the commands that it belongs to, with its help and its default, and
    /// no command has a flag of another form.
    #[test]
    fn every_option_of_the_table_is_a_flag() {
        let cli = Cli::command();
        let mut walked = BTreeSet::new();
        for (command, places) in COMMANDS {
            let command = cli.find_subcommand(command).unwrap();
            for spec in places.iter().flat_map(|place| options::shown_at(*place)) {
                let name = (command.get_name(), spec.name);
                let arg = command.get_arguments().find(|arg| arg.get_id() == spec.name);
                let arg = arg.unwrap_or_else(|| panic!("{name:?} is no flag"));
                assert_eq!(arg.get_long(), Some(&*spec.flag()), "{name:?}");
                let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(text.starts_with(spec.help), "{name:?}: {text}");
                let default = spec.default_in_words().unwrap_or_default();
                assert!(text.contains(&default), "{name:?}: {text}");
                assert_eq!(arg.get_help_heading(), Some(spec.group.title()), "{name:?}");
                walked.insert(spec.name);
            }
        }
        for spec in options::all() {
            let of_requests = spec.places.iter().all(|p| matches!(p, Place::Http | Place::Page));
            assert!(walked.contains(spec.name) || of_requests, "{} is nowhere", spec.name);
        }
    }

    #[test]
    fn flags_are_read_as_options() {
        let parse = |args: &[&str]| Cli::try_parse_from([&["smoothcam"], args].concat());
        let explain =
            ["explain", "cat.png", "--class", "3", "--class", "tiger cat", "--skip-tokens", "1"];
        let cli = parse(&[&explain[..], &["--grid", "2x3", "--layer", "x", "--signed"]].concat());
        let crate::args::Command::Explain(args) = cli.unwrap().command else { panic!() };
        let mut raw = args.options.options();
        assert_eq!(raw.values("class").collect::<Vec<_>>(), ["3", "tiger cat"]);
        let settings = options::settings(&mut raw, Place::Explain).unwrap();
        assert!(settings.signed && settings.grid.unwrap().skip_tokens == 1);
        for wrong in [
            &["explain", "cat.png", "--sigma", "0"][..],
            &["explain", "cat.png", "--skip-tokens", "1"],
            &["explain", "cat.png", "--sigma", "0.1", "--sigma-absolute", "0.1"],
            &["explain", "cat.png", "--seed", "1", "--seed", "2"],
            &["export", "--tolerance", "0.1"],
            &["bench", "--colormap", "turbo"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
