//! `smoothcam layers`: the layers that can be explained.

use smoothcam::{Error, Explainer, Layer, Result};

use crate::args::LayersArgs;
use crate::table::{print, print_json, table};

pub(crate) fn run(args: &LayersArgs) -> Result<()> {
    let explainer = super::explainer(&args.model)?;
    let layers: Vec<&Layer> = explainer.layers().iter().filter(|l| args.all || l.feature).collect();
    if args.json {
        return print_json(&layers);
    }
    let default = |smoothed| Ok::<_, Error>(explainer.default_layer(smoothed)?.name.clone());
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
            smoothcam::printable(&layer.name),
            smoothcam::printable(&layer.module),
            layer.maps.to_string(),
            format!("{}x{}", layer.height, layer.width),
            layer.axes.to_string(),
            noise.to_owned(),
            mark.to_owned(),
        ]);
    }
    print(&table(&rows))?;
    print(&unreached(&explainer))
}

/// Why the gradient does not reach some layers.
fn unreached(explainer: &Explainer) -> String {
    let mut reasons: Vec<&String> =
        explainer.layers().iter().filter_map(|l| l.noise_acts.as_ref().err()).collect();
    reasons.dedup();
    reasons.iter().map(|r| format!("not reached: {r}\n")).collect()
}
