//! `smoothcam layers`: the layers that can be explained.

use serde::Serialize;
use smoothcam::{Error, Explainer, Layer, Result};

use crate::args::LayersArgs;
use crate::table::{Facts, print, print_json, table};

pub(crate) fn run(args: &LayersArgs) -> Result<()> {
    let explainer = super::explainer(&args.model)?;
    let layers: Vec<&Layer> = explainer.layers().iter().filter(|l| args.all || l.feature).collect();
    let default = |smoothed| Ok::<_, Error>(explainer.default_layer(smoothed)?.name.clone());
    if args.json {
        // None, if the gradient reaches no layer: the table has an error to show, not this.
        let (smoothed, plain) = (default(true).ok(), default(false).ok());
        let mark = |layer| Marked {
            layer,
            default: plain.as_ref() == Some(&layer.name),
            default_with_noise: smoothed.as_ref() == Some(&layer.name),
        };
        return print_json(&layers.into_iter().map(mark).collect::<Vec<_>>());
    }
    let (smoothed, plain) = (default(true)?, default(false)?);
    let mut rows = vec![
        ["layer", "module", "maps", "grid", "axes", "noise acts", ""].map(str::to_owned).to_vec(),
    ];
    for layer in layers {
        let mark = match (layer.name == smoothed, layer.name == plain) {
            (true, true) => "default",
            (true, false) => "default with noise",
            (false, true) => "default without noise",
            (false, false) => "",
        };
        let noise = match &layer.noise_acts {
            Ok(true) => "yes",
            Ok(false) => "no",
            Err(_) => "not reached",
        };
        rows.push(vec![
            layer.name.clone(),
            layer.module.clone(),
            layer.maps.to_string(),
            format!("{}x{}", layer.height, layer.width),
            layer.axes.to_string(),
            noise.to_owned(),
            mark.to_owned(),
        ]);
    }
    print(&table(&rows))?;
    let mut facts = Facts(String::new());
    unreached(&explainer).iter().for_each(|reason| facts.line(&format!("not reached: {reason}")));
    print(&facts.0)
}

/// A layer in JSON.
#[derive(Serialize)]
struct Marked<'a> {
    #[serde(flatten)]
    layer: &'a Layer,
    /// Explained where none is named, by methods without noise.
    default: bool,
    /// The same by methods with noise.
    default_with_noise: bool,
}

/// Why the gradient does not reach some layers.
fn unreached(explainer: &Explainer) -> Vec<&String> {
    let mut reasons: Vec<&String> =
        explainer.layers().iter().filter_map(|l| l.noise_acts.as_ref().err()).collect();
    reasons.dedup();
    reasons
}
