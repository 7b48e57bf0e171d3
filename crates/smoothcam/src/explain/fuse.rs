//! Fuses maps at several layers: what all of them point at, as fine as the finest of them.

use ndarray::Array2;

use super::explanation::Explanation;
use super::settings::Settings;
use crate::classifier::Classifier;
use crate::map::field::interpolated;
use crate::{Error, Result};

/// Stands between the names of layers that are fused.
const AND: char = '+';

/// The layers that the settings name: those that a name such as `blocks.10+blocks.14` joins; none for the
/// default layer.
pub(crate) fn layers<'s>(classifier: &Classifier, settings: &'s Settings) -> Vec<&'s str> {
    match (&settings.layer, settings.grid) {
        (Some(name), None) => named(classifier, name),
        // A layer whose grid is given is one, whatever its name.
        (Some(name), Some(_)) => vec![name],
        (None, _) => Vec::new(),
    }
}

/// The layers that a name such as `blocks.10+blocks.14` joins; a single one if there is a layer of
/// this name, or nothing is joined.
pub(crate) fn named<'n>(classifier: &Classifier, name: &'n str) -> Vec<&'n str> {
    if classifier.layers.find(&classifier.network.graph, name).is_ok() {
        return vec![name];
    }
    name.split(AND).map(str::trim).collect()
}

/// Checks that the settings can be followed where so many layers are fused.
///
/// # Errors
/// If they ask for what belongs to one layer.
pub(crate) fn check(settings: &Settings, layers: usize) -> Result<()> {
    let one_layer = [
        (settings.signed, "negative evidence"),
        (settings.uncertainty, "the uncertainty"),
        (settings.maps.is_some(), "a choice of feature maps"),
        (settings.neurons.is_some(), "a choice of neurons"),
    ];
    match one_layer.iter().find(|(requested, _)| *requested) {
        None => Ok(()),
        Some((_, what)) => {
            Err(Error::input(format!("{what} belongs to one layer, but {layers} are fused"))
                .with_hint("name one layer"))
        }
    }
}

/// Fuses explanations at several layers, at least one: the maps of each target. All but the maps is that
/// of the layer with the finest grid.
///
/// # Errors
/// If a map is empty or not finite.
pub(crate) fn fuse(mut each: Vec<Explanation>) -> Result<Explanation> {
    let cells = |e: &Explanation| e.layer.as_ref().map_or(0, |l| l.height * l.width);
    each.sort_by_key(|e| std::cmp::Reverse(cells(e)));
    let mut others = each.split_off(1);
    let mut finest = each.remove(0);
    for (i, class) in finest.targets.iter_mut().enumerate() {
        let maps = others.iter().map(|e| &e.targets[i].map);
        class.map = geometric_mean(&class.map, maps)?;
    }
    for other in &mut others {
        finest.fused.extend(other.layer.take());
        finest.milliseconds += other.milliseconds;
        for note in other.notes.drain(..) {
            if !finest.notes.contains(&note) {
                finest.notes.push(note);
            }
        }
    }
    finest.title.push_str(", fused");
    Ok(finest)
}

/// The geometric mean of maps, each divided by its maximum, cell by cell of the first one's grid: evidence
/// that one of them lacks is none.
fn geometric_mean<'a>(
    first: &Array2<f32>,
    others: impl ExactSizeIterator<Item = &'a Array2<f32>>,
) -> Result<Array2<f32>> {
    let count = 1 + others.len();
    let mut product = interpolated(first.view(), first.dim())?.mapv(f64::from);
    for other in others {
        product *= &interpolated(other.view(), first.dim())?.mapv(f64::from);
    }
    Ok(product.mapv(|x| x.powf(1.0 / count as f64) as f32))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::{Explainer, Limits, Method, Picture};

    #[test]
    fn a_fine_map_within_a_coarse_one() {
        let fine = array![[2.0, 4.0, 0.0, 4.0]];
        let coarse = array![[9.0, 0.0]];
        // Between its two centres, the coarse one falls from 1 to 0.
        let fused = geometric_mean(&fine, [&coarse].into_iter()).unwrap();
        let expected = [0.5f32.sqrt(), 0.75f32.sqrt(), 0.0, 0.0];
        for (found, expected) in fused.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{fused}");
        }
        let nothing = array![[0.0]];
        assert_eq!(
            geometric_mean(&fine, [&nothing].into_iter()).unwrap(),
            array![[0.0, 0.0, 0.0, 0.0]]
        );
    }

    #[test]
    fn layers_are_fused_by_name() {
        let explainer = Explainer::builder().build().unwrap();
        assert_eq!(explainer.fused_layers("blocks.10"), ["blocks.10"]);
        let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
        let cat = Picture::open(cat, &Limits::default()).unwrap();
        let study = explainer.study(&cat).unwrap();
        let explain = |layer: &str| {
            let method = "layer-cam".parse::<Method>().unwrap();
            let layer = Some(layer.to_owned());
            study.explain(&Settings { method, layer, ..Settings::default() }, &mut |_, _| {})
        };
        let fused = explain("blocks.14 + blocks.10").unwrap();
        assert_eq!(fused.layer.as_ref().unwrap().module, "blocks.10");
        assert_eq!(fused.fused[0].module, "blocks.14");
        let [fine, deep] = ["blocks.10", "blocks.14"].map(|layer| explain(layer).unwrap());
        let maps = [&deep.targets[0].map];
        assert_eq!(
            fused.targets[0].map,
            geometric_mean(&fine.targets[0].map, maps.into_iter()).unwrap()
        );
        assert!(explain("blocks.10+nothing").unwrap_err().to_string().contains("'nothing'"));
    }
}
