//! `smoothcam serve`: the web page and the HTTP API.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use smoothcam::{Error, Memory, Result, quoted, read_text};
use smoothcam_server::{Config, Limits, Model, OPEN_TO_ALL, serve};

use crate::args::{LogForm, ServeArgs, ServeLimitArgs};
use crate::table::print;

pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    log(args.log);
    let memory = args.options.value("memory").map(str::parse).transpose()?;
    let config = Config {
        models: models(args)?,
        token: token(args.token_file.as_deref())?,
        origins: args.origins.clone(),
        hosts: args.hosts.clone(),
        limits: limits(&args.limits, memory),
    };
    let names: Vec<&str> = config.models.iter().map(|m| m.name.as_str()).collect();
    let models = names.join(", ");
    let has_token = config.token.is_some();
    serve(&args.listen, config, |address| {
        if !has_token && !address.ip().to_canonical().is_loopback() {
            // The log may be off, or for machines.
            let _ = writeln!(
                std::io::stderr(),
                "warning: {OPEN_TO_ALL}\nhint: require a token with --token-file FILE, or listen at 127.0.0.1"
            );
        }
        // Nobody listens on stdout: no reason not to serve.
        let _ = print(&format!("serving {models} at http://{address} (Ctrl-C ends it)\n"));
    })
}

/// The models, each under its name.
fn models(args: &ServeArgs) -> Result<Vec<Model>> {
    if args.models.is_empty() {
        let explainer = super::builder(&args.options)?.build()?;
        return Ok(vec![Model { name: "efficientnet-lite0".into(), explainer }]);
    }
    if args.models.len() > 1 && args.options.describes_input() {
        return Err(Error::input(
            "several models are served, but labels, preprocessing or values of inputs are given for one",
        )
        .with_hint(
            "put labels and preprocessing into files beside each model, labels.txt and \
             preprocessor_config.json; serve a model of several inputs alone",
        ));
    }
    let load = |text: &String| {
        let (name, file) = named(text);
        let builder = super::builder(&args.options)?.model(file);
        let explainer = builder.build().map_err(|e| match args.models.len() {
            1 => e,
            _ => e.context(&format!("model '{name}'")),
        })?;
        Ok(Model { name, explainer })
    };
    args.models.iter().map(load).collect()
}

/// A model's name and file. Where no name is given it is the file's, or, as many are called `model.onnx`, its
/// folder's; what cannot stand in an address becomes a hyphen.
fn named(text: &str) -> (String, &Path) {
    if let Some((name, file)) = text.split_once('=')
        && !Path::new(text).exists()
    {
        return (name.to_owned(), Path::new(file));
    }
    let file = Path::new(text);
    let stem = file.file_stem().unwrap_or_default();
    let folder = file.parent().and_then(Path::file_name);
    let name = if stem == "model" { folder.unwrap_or(stem) } else { stem };
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    (name.to_string_lossy().chars().map(plain).collect(), file)
}

/// The most bytes of a file with a token.
const LONGEST_TOKEN: u64 = 1 << 16;

/// The token that requests must carry.
fn token(file: Option<&Path>) -> Result<Option<String>> {
    let Some(file) = file else { return Ok(std::env::var("SMOOTHCAM_TOKEN").ok()) };
    let text = read_text(file, LONGEST_TOKEN)
        .map_err(|e| Error::input(format!("cannot read the token {}: {e}", quoted(file))))?;
    Ok(Some(text.trim().to_owned()))
}

fn limits(args: &ServeLimitArgs, memory: Option<Memory>) -> Limits {
    let default = Limits::default();
    let size =
        |given: Option<Memory>, default| given.map_or(default, |Memory(bytes)| bytes as usize);
    Limits {
        concurrency: args.concurrency.map_or(default.concurrency, usize::from),
        waiting: args.waiting.map_or(default.waiting, usize::from),
        time: args.time_limit.map_or(default.time, |s| Duration::from_secs(s.into())),
        memory: memory.map(|Memory(bytes)| bytes as usize),
        body: size(args.max_body, default.body),
        pixels: args.max_pixels.unwrap_or(default.pixels),
        pictures: args.max_pictures.map_or(default.pictures, usize::from),
        samples: args.max_samples.map_or(default.samples, usize::from),
        client_connections: args.max_connections.map_or(default.client_connections, usize::from),
        shutdown_delay: args
            .shutdown_delay
            .map_or(default.shutdown_delay, |s| Duration::from_secs(s.into())),
        cache: size(args.keep, default.cache),
        ..default
    }
}

/// Writes what the server tells to stderr, a line each.
fn log(form: Option<LogForm>) {
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .with_writer(std::io::stderr)
        .with_target(false)
        // What cannot be written to stderr cannot be told there either.
        .log_internal_errors(false)
        .with_ansi(terminal);
    match form.unwrap_or(if terminal { LogForm::Text } else { LogForm::Json }) {
        LogForm::Text => lines.init(),
        LogForm::Json => lines.json().flatten_event(true).init(),
        LogForm::None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_named() {
        for (text, name, file) in [
            ("resnet=a/b.onnx", "resnet", "a/b.onnx"),
            ("a/res net50.onnx", "res-net50", "a/res net50.onnx"),
            ("models/digits/model.onnx", "digits", "models/digits/model.onnx"),
            ("model.onnx", "model", "model.onnx"),
        ] {
            assert_eq!(named(text), (name.to_owned(), Path::new(file)), "{text}");
        }
    }
}
