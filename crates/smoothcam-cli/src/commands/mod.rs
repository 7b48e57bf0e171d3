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

use std::path::Path;

use smoothcam::model_config::PartialPreprocess;
use smoothcam::render::Style;
use smoothcam::{
    Array, EngineOptions, Error, Explainer, ExplainerBuilder, GivenGrid, Limits, Result, Samples,
    Settings, Sigma, TargetSpec,
};

use crate::args::{
    Cli, Command, EngineArgs, InputArgs, LimitArgs, ModelArgs, NoiseArgs, StyleArgs, WhatArgs,
};

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
fn explainer(args: &ModelArgs) -> Result<Explainer> {
    builder(args)?.build()
}

/// How the model that the flags name is loaded.
fn builder(args: &ModelArgs) -> Result<ExplainerBuilder> {
    let builder = builder_of(&args.input, &args.engine)?;
    Ok(match &args.model {
        Some(model) => builder.model(model),
        None => builder,
    })
}

/// How a model is loaded.
fn builder_of(args: &InputArgs, engine: &EngineArgs) -> Result<ExplainerBuilder> {
    let mut builder = Explainer::builder().preprocess(PartialPreprocess {
        size: args.size,
        resize: args.resize,
        interpolation: args.interpolation,
        channels: args.channels,
        layout: args.layout,
        scale: args.scale,
        mean: args.mean.clone(),
        std: args.std.clone(),
    });
    builder = builder.engine(self::engine(engine));
    if let Some(labels) = &args.labels {
        builder = builder.labels_file(labels);
    }
    if let Some(output) = &args.output {
        builder = builder.output(output);
    }
    for (name, file) in &args.inputs {
        builder = builder.input(name, Array::read(file)?);
    }
    Ok(builder)
}

/// The engine that the flags name.
fn engine(args: &EngineArgs) -> EngineOptions {
    EngineOptions {
        choice: args.engine,
        library: args.onnxruntime.clone(),
        providers: args.providers.clone(),
        threads: args.threads,
        memory: args.memory,
    }
}

/// The files that are read, and must not be written over.
fn sources<'a>(picture: &'a Path, noise: &'a NoiseArgs, model: &'a ModelArgs) -> Vec<&'a Path> {
    let others = [&noise.noise, &model.model, &model.input.labels];
    let inputs = model.input.inputs.iter().map(|(_, path)| path.as_path());
    let others = others.into_iter().filter_map(|p| p.as_deref());
    std::iter::once(picture).chain(others).chain(inputs).collect()
}

/// The settings that the flags ask for.
fn settings(what: &WhatArgs, noise: &NoiseArgs) -> Result<Settings> {
    let method = what.method;
    let samples = samples(noise)?;
    let none = match samples {
        Samples::Default => method.default_samples() == 0,
        other => other == Samples::Fixed(0),
    };
    if noise.noise.is_none() && none && (noise.sigma.or(noise.sigma_absolute)).is_some() {
        return Err(Error::input(format!("{method} takes no noise unless it is asked to"))
            .with_hint("add --samples 8, or leave out sigma"));
    }
    Ok(Settings {
        method,
        samples,
        sigma: match (noise.sigma, noise.sigma_absolute) {
            (Some(share), _) => Sigma::Relative(share),
            (None, Some(absolute)) => Sigma::Absolute(absolute),
            (None, None) => Sigma::default(),
        },
        seed: noise.seed,
        noise: noise.noise.as_ref().map(|file| Array::read(file)?.into_picture()).transpose()?,
        layer: what.layer.clone(),
        grid: what.grid.map(|grid| GivenGrid {
            height: grid.height as usize,
            width: grid.width as usize,
            skip_tokens: what.skip_tokens,
        }),
        maps: what.maps.clone(),
        neurons: what.neurons.clone(),
        targets: what.classes.iter().map(TargetSpec::class).collect(),
        signed: what.signed,
        keep_noise: false,
        uncertainty: false,
    })
}

/// How many samples the flags ask for.
fn samples(noise: &NoiseArgs) -> Result<Samples> {
    match (noise.samples.unwrap_or_default(), noise.tolerance) {
        (Samples::Auto { most, .. }, Some(tolerance)) => Ok(Samples::Auto { tolerance, most }),
        (_, Some(_)) => Err(Error::input("a tolerance is for --samples auto only")),
        (samples, None) => Ok(samples),
    }
}

fn style(args: &StyleArgs) -> Style {
    let default = Style::default();
    Style { colors: args.colormap, opacity: args.opacity.unwrap_or(default.opacity) }
}

fn limits(args: &LimitArgs) -> Limits {
    let default = Limits::default();
    Limits {
        max_bytes: args.max_bytes.unwrap_or(default.max_bytes),
        max_pixels: args.max_pixels.unwrap_or(default.max_pixels),
    }
}
