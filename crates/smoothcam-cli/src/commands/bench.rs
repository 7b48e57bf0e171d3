//! `smoothcam bench`: what an explanation costs.

use std::fs;
use std::time::Instant;

use serde::Serialize;
use smoothcam::preprocess::{Channels, Layout};
use smoothcam::{Array, Explainer, Photo, Picture, Result, Settings};

use crate::args::BenchArgs;
use crate::progress::Progress;
use crate::table::{Facts, print, print_json};

pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let decoding = super::decoding(&args.options)?;
    let photo = args.picture.as_ref().map(|path| Photo::open(path, decoding)).transpose()?;
    let settings = super::settings(&args.options)?;
    let started = Instant::now();
    let explainer = super::explainer(&args.model)?;
    let load_ms = milliseconds(started);
    let input = match photo {
        Some(Photo::Picture(picture)) => explainer.preprocess().apply(&picture)?.tensor,
        Some(Photo::Array(array)) => array.into_picture()?,
        None => noise(&explainer)?,
    };
    let cost = measure(&explainer, &input, &settings, args.repeat.into(), load_ms)?;
    if args.json { print_json(&cost) } else { print(&cost.in_words()) }
}

/// What was measured.
#[derive(Serialize)]
struct Cost {
    smoothcam: &'static str,
    engine: String,
    model_sha256: String,
    method: &'static str,
    /// `None` for methods that look at the input.
    layer: Option<String>,
    /// Noised samples that were taken: none where noise does not act.
    samples: usize,
    noise_acts: bool,
    /// Until the model is ready to be explained.
    load_ms: f64,
    /// The first explanation, which writes and loads the gradient.
    first_ms: f64,
    explain_ms: Times,
    forward_ms: Times,
    /// How many pictures each forward pass is given.
    pictures_per_forward: usize,
    /// Forward passes that an explanation is made of.
    passes: usize,
    /// An explanation in forward passes.
    explain_per_forward: f64,
    /// The same, per pass that it is made of.
    explain_per_pass: f64,
    /// Of the process, before the bare model was loaded, in bytes; `None` where the system does
    /// not tell.
    peak_memory: Option<u64>,
    repeats: usize,
}

/// Of several runs, in milliseconds.
#[derive(Serialize)]
struct Times {
    median: f64,
    min: f64,
    max: f64,
}

fn measure(
    explainer: &Explainer,
    input: &ndarray::Array4<f32>,
    settings: &Settings,
    repeats: usize,
    load_ms: f64,
) -> Result<Cost> {
    let explain = || {
        let input = input.clone();
        let started = Instant::now();
        let explanation = explainer.explain_tensor(input, settings, &mut |_, _| {})?;
        Ok((milliseconds(started), explanation))
    };
    let (first_ms, explanation) = explain()?;
    let mut progress = Progress::of("passes");
    let (mut explained, mut forwarded) = (Vec::new(), Vec::new());
    let mut peak = None;
    for i in 0..repeats {
        progress.update(i, repeats);
        explained.push(explain()?.0);
        if i == 0 {
            peak = peak_memory();
            explainer.forward(input)?;
        }
        let started = Instant::now();
        explainer.forward(input)?;
        forwarded.push(milliseconds(started));
    }
    drop(progress);
    let (explain_ms, forward_ms) = (Times::of(explained), Times::of(forwarded));
    let batch = explainer.pictures_per_run();
    let samples = explanation.noise.samples;
    let passes = (1 + samples).div_ceil(batch);
    let explain_per_forward = explain_ms.median / forward_ms.median;
    let layer = explanation.layer;
    Ok(Cost {
        smoothcam: env!("CARGO_PKG_VERSION"),
        engine: explainer.engine().to_owned(),
        model_sha256: explainer.model_sha256().to_owned(),
        method: explanation.method.name(),
        noise_acts: layer.as_ref().is_none_or(|l| l.noise_acts == Ok(true)),
        layer: layer.map(|l| l.name),
        samples,
        load_ms,
        first_ms,
        explain_ms,
        forward_ms,
        pictures_per_forward: batch,
        passes,
        explain_per_forward,
        explain_per_pass: explain_per_forward / passes as f64,
        peak_memory: peak,
        repeats,
    })
}

impl Times {
    fn of(mut times: Vec<f64>) -> Times {
        times.sort_by(f64::total_cmp);
        let middle = times.len() / 2;
        let median = match times.len() % 2 {
            0 => f64::midpoint(times[middle - 1], times[middle]),
            _ => times[middle],
        };
        Times { median, min: times[0], max: times[times.len() - 1] }
    }

    fn in_words(&self) -> String {
        format!("{:.1} ms ({:.1} to {:.1})", self.median, self.min, self.max)
    }
}

impl Cost {
    fn in_words(&self) -> String {
        let mut facts = Facts(String::new());
        let pictures = match self.pictures_per_forward {
            1 => String::new(),
            n => format!(" of {n} pictures"),
        };
        let passes = match self.passes {
            1 => "1 forward pass".to_owned(),
            n => format!("{n} forward passes"),
        };
        if let Some(layer) = &self.layer {
            facts.add("layer", layer);
        }
        facts.add("method", self.method);
        facts.add(
            "samples",
            match (self.samples, self.noise_acts) {
                (0, false) => "none: noise does not act here".to_owned(),
                (0, true) => "none".to_owned(),
                (n, _) => n.to_string(),
            },
        );
        facts.add("engine", &self.engine);
        facts.line("");
        facts.add("loading", format!("{:.0} ms", self.load_ms));
        facts.add("first time", format!("{:.0} ms", self.first_ms));
        facts.add("explanation", self.explain_ms.in_words());
        facts.add("forward pass", format!("{}{pictures}", self.forward_ms.in_words()));
        let (ratio, each) = (self.explain_per_forward, self.explain_per_pass);
        facts.add("ratio", format!("{ratio:.2}: {passes}, {each:.2} each"));
        if let Some(bytes) = self.peak_memory {
            facts.add("peak memory", format!("{:.0} MB", bytes as f64 / 1e6));
        }
        facts.0
    }
}

/// A picture of noise, as the model takes it.
fn noise(explainer: &Explainer) -> Result<ndarray::Array4<f32>> {
    const SIDE: u32 = 512;
    let preprocess = explainer.preprocess();
    let mut state = 0u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let channels = preprocess.channels.count();
    if !matches!(preprocess.channels, Channels::Other(_)) {
        let pixels = (0..SIDE * SIDE * 3).map(|_| next()).collect();
        return Ok(preprocess.apply(&Picture::from_rgb8(SIDE, SIDE, pixels)?)?.tensor);
    }
    let (height, width) = (preprocess.size.height as usize, preprocess.size.width as usize);
    let shape = match preprocess.layout {
        Layout::Nchw => [1, channels, height, width],
        Layout::Nhwc => [1, height, width, channels],
    };
    Array::Floats(ndarray::ArrayD::from_shape_fn(&shape[..], |_| f32::from(next()) / 255.0))
        .into_picture()
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// The most memory that this process has had, in bytes.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}
