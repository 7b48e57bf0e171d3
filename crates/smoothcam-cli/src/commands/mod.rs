//! The commands.

mod bench;
mod compare;
mod evaluate;
mod explain;
mod export;
mod grad;
mod layers;
mod ops;
mod serve;

use std::path::{Path, PathBuf};

use smoothcam::options;
use smoothcam::render::Style;
use smoothcam::{Decoding, Error, Explainer, ExplainerBuilder, Hint, Result, Samples, Settings};

use crate::args::{Cli, Command, Flags, FlagsOf, Model};

pub(crate) fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Explain(args) => explain::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Grad(args) => grad::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Layers(args) => layers::run(&args),
        Command::Ops => ops::run(),
    }
}

/// Loads the model that the flags name.
fn explainer(flags: &Flags<Model>) -> Result<Explainer> {
    builder(flags)?.build()
}

/// How the model that the flags name is loaded.
fn builder<P: FlagsOf>(flags: &Flags<P>) -> Result<ExplainerBuilder> {
    ExplainerBuilder::from_options(&mut flags.options(), P::PLACE)
}

/// The settings that the flags ask for.
fn settings<P: FlagsOf>(flags: &Flags<P>) -> Result<Settings> {
    let settings = options::settings(&mut flags.options(), P::PLACE)?;
    check_noise(flags, &settings)?;
    Ok(settings)
}

/// Refuses a strength of noise where there is none.
fn check_noise<P: FlagsOf>(flags: &Flags<P>, settings: &Settings) -> Result<()> {
    let method = settings.method;
    let none = match settings.samples {
        Samples::Default => method.default_samples() == 0 && settings.noise.is_none(),
        other => other == Samples::Fixed(0),
    };
    match ["sigma", "sigma_absolute"].into_iter().find(|name| flags.value(name).is_some()) {
        Some(sigma) if none => {
            let leave_out = Hint::leave_out(sigma);
            if method.takes_samples(8) {
                Err(Error::input(format!("{method} takes no noise unless it is requested"))
                    .with_hint(Hint::set("samples", "8", "take some").or(leave_out)))
            } else {
                Err(Error::input(format!("{method} takes no noise")).with_hint(leave_out))
            }
        }
        _ => Ok(()),
    }
}

fn style<P: FlagsOf>(flags: &Flags<P>) -> Result<Style> {
    options::style(&mut flags.options(), P::PLACE)
}

fn decoding<P: FlagsOf>(flags: &Flags<P>) -> Result<Decoding> {
    options::decoding(&mut flags.options(), P::PLACE)
}

/// The files that are read, and must not be written over.
fn sources<P: FlagsOf>(picture: &Path, flags: &Flags<P>, model: &Flags<Model>) -> Vec<PathBuf> {
    [vec![picture.to_owned()], flags.files(), model.files()].concat()
}
