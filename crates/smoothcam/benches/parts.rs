//! What the parts of an explanation cost: `cargo bench -p smoothcam`.
//!
//! `SMOOTHCAM_ENGINE=rten` or `onnxruntime` picks the engine.
#![expect(clippy::unwrap_used, reason = "benchmarks")]

use divan::Bencher;
use smoothcam::{Explainer, Limits, Picture, Samples, Settings, render};

fn main() {
    divan::main();
}

fn cat() -> Picture {
    let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
    Picture::open(cat, &Limits::default()).unwrap()
}

fn bundled() -> Explainer {
    Explainer::builder().build().unwrap()
}

#[divan::bench(sample_count = 5)]
fn load() -> Explainer {
    bundled()
}

#[divan::bench]
fn preprocess(bencher: Bencher<'_, '_>) {
    let (explainer, cat) = (bundled(), cat());
    bencher.bench_local(|| explainer.preprocess().apply(&cat));
}

#[divan::bench(sample_count = 20)]
fn forward(bencher: Bencher<'_, '_>) {
    let explainer = bundled();
    let input = explainer.preprocess().apply(&cat()).unwrap().tensor;
    bencher.bench_local(|| explainer.forward(&input));
}

/// With so many noised samples: what a sample adds beyond a forward pass is its noise, the
/// gradient and the moments.
#[divan::bench(args = [1, 8], sample_count = 10)]
fn explain(bencher: Bencher<'_, '_>, samples: usize) {
    let explainer = bundled();
    let input = explainer.preprocess().apply(&cat()).unwrap().tensor;
    let settings = Settings { samples: Samples::Fixed(samples), ..Settings::default() };
    bencher
        .with_inputs(|| input.clone())
        .bench_local_values(|input| explainer.explain_tensor(input, &settings, &mut |_, _| {}));
}

#[divan::bench]
fn overlay(bencher: Bencher<'_, '_>) {
    let (explainer, cat) = (bundled(), cat());
    let explanation = explainer.explain(&cat, &Settings::default()).unwrap();
    let (map, style) = (explanation.targets[0].map.view(), render::Style::default());
    bencher.bench_local(|| render::overlay(&cat, map, &explanation.seen, &style));
}
