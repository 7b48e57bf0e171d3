//! An explanation in words.

use std::path::PathBuf;

use smoothcam::model_config::Provenance;
use smoothcam::{
    Explainer, Explanation, Layer, Photo, Picture, Prediction, Rect, Region, Sigma, TargetMap,
};

use crate::table::Facts;

/// How many of the most probable classes are told.
pub(crate) const TOP: usize = 5;

/// What was found, how, and where it was written.
pub(crate) fn report(
    photo: &Photo,
    picture: &Picture,
    explainer: &Explainer,
    explanation: &Explanation,
    regions: Option<&[Vec<Region>]>,
    written: &[PathBuf],
    seconds: f64,
) -> String {
    let mut facts = Facts(String::new());
    for prediction in explanation.predictions.iter().take(TOP) {
        let percent = format!("{:.1} %", 100.0 * prediction.probability);
        facts.line(&format!("{percent:>8}  {}", name(prediction)));
    }
    facts.line("");
    for (i, class) in explanation.targets.iter().enumerate() {
        facts.add("explained", format!("{}: {}", name(&class.prediction), strength(class)));
        if let Some(d) = class.degenerate.filter(|d| d.with_positive_gradient > 0) {
            let (out, of) = (d.with_positive_gradient, class.chosen.sum());
            facts.add("", format!("{out} of {of} neurons left out: no alpha is defined there"));
        }
        let Some(regions) = regions.map(|of| &of[i]) else { continue };
        if regions.is_empty() {
            facts.add("regions", "none that holds a hundredth of the map");
        }
        for (i, region) in regions.iter().enumerate() {
            let Rect { x, y, width, height } = region.area();
            let place = format!("{width}x{height} pixels from column {x} and row {y} on");
            facts.add(
                &format!("region {}", i + 1),
                format!("{:.0} % of the map, {place}", 100.0 * region.share),
            );
        }
    }
    if let Some(layer) = &explanation.layer {
        facts.add("layer", place(layer));
    }
    for layer in &explanation.fused {
        facts.add("fused with", place(layer));
    }
    facts.add("method", &explanation.title);
    facts.add("noise", noise(explanation));
    let sources = explainer.preprocess_sources();
    let lines = match photo {
        Photo::Picture(_) => {
            facts.add("model saw", seen(picture, explanation));
            preprocessing(sources.iter())
        }
        Photo::Array(_) => {
            facts.add("model saw", "the array as it is");
            let labels = sources.iter().filter(|p| p.setting == "labels");
            [vec!["none".to_owned()], preprocessing(labels)].concat()
        }
    };
    for (i, line) in lines.iter().enumerate() {
        facts.add(if i == 0 { "preprocessing" } else { "" }, line);
    }
    facts.add("engine", format!("{} ({seconds:.2} s in all)", explainer.engine()));
    for path in written {
        facts.add("wrote", path.display());
    }
    for note in &explanation.notes {
        facts.note(note);
    }
    facts.0
}

fn name(prediction: &Prediction) -> String {
    match &prediction.label {
        Some(label) => format!("{label} ({})", prediction.class),
        None => format!("class {}", prediction.class),
    }
}

fn strength(class: &TargetMap) -> String {
    let extremes = class.map.iter().fold((0.0f32, 0.0f32), |(l, h), x| (l.min(*x), h.max(*x)));
    match extremes {
        (0.0, 0.0) => "no evidence for it, the map is zero everywhere".to_owned(),
        (0.0, high) => format!("the map's maximum is {}", digits(high)),
        (low, high) => format!("the map goes from {} to {}", digits(low), digits(high)),
    }
}

/// Four digits of a number.
pub(crate) fn digits(x: f32) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        size @ 1e-3..1e4 => format!("{x:.*}", (3.0 - size.log10().floor()) as usize),
        _ => format!("{x:.3e}"),
    }
}

fn noise(explanation: &Explanation) -> String {
    let noise = &explanation.noise;
    let told = match (noise.samples, noise.seed, noise.sigma) {
        (0, ..) => return "none".to_owned(),
        (n, None, _) => format!("{n} samples, as given"),
        (n, Some(seed), sigma) => format!("{n} samples, {}, seed {seed}", strength_of(sigma)),
    };
    match noise.error {
        Some(error) => format!("{told}; the map's error is {:.1} %", 100.0 * error),
        None => told,
    }
}

/// A layer and its grid.
pub(crate) fn place(layer: &Layer) -> String {
    let Layer { maps, height, width, .. } = layer;
    format!("{}, {maps} maps of {height}x{width}", layer.name)
}

/// How strong noise is.
pub(crate) fn strength_of(sigma: Sigma) -> String {
    match sigma {
        Sigma::Relative(share) => format!("sigma {share} of the input's range"),
        Sigma::Absolute(sigma) => format!("sigma {sigma}"),
    }
}

/// What part of the picture the model saw.
fn seen(picture: &Picture, explanation: &Explanation) -> String {
    let seen = explanation.seen;
    let whole = format!("{}x{}", picture.width(), picture.height());
    // With padding it reaches beyond the picture.
    let span = |start: f64, length: f64, size: u32| {
        let (start, end) = (start.max(0.0), (start + length).min(size.into()));
        (start.round().min(f64::from(size) - 1.0), (end.round() - start.round()).max(1.0))
    };
    let (left, width) = span(seen.x, seen.width, picture.width());
    let (top, height) = span(seen.y, seen.height, picture.height());
    if (width, height) == (picture.width().into(), picture.height().into()) {
        return format!("the whole picture, {whole} pixels");
    }
    format!("{width}x{height} of {whole} pixels, from column {left} and row {top} on")
}

/// A line for each source of settings.
fn preprocessing<'a>(settings: impl Iterator<Item = &'a Provenance>) -> Vec<String> {
    let mut lines: Vec<(&str, String)> = Vec::new();
    for Provenance { setting, value, source } in settings {
        match lines.iter_mut().find(|(from, _)| from == source) {
            Some((_, line)) => line.push_str(&format!("; {setting} {value}")),
            None => lines.push((source, format!("{setting} {value}"))),
        }
    }
    lines.into_iter().map(|(source, line)| format!("{line} ({source})")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        for (x, expected) in [
            (0.0, "0"),
            (3.934_123, "3.934"),
            (-12.345_6, "-12.35"),
            (1234.56, "1235"),
            (0.012_345_6, "0.01235"),
            (12_345.6, "1.235e4"),
            (-0.000_012_346, "-1.235e-5"),
        ] {
            assert_eq!(digits(x), expected);
        }
    }
}
