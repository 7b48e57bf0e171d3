//! Fuses maps at several layers: what all of them point at, as fine as the finest of them.

use ndarray::Array2;

use super::explanation::Explanation;
use super::settings::Settings;
use crate::classifier::Classifier;
use crate::classifier::layers::Layer;
use crate::map::field::interpolated;
use crate::{Error, Hint, Note, Result};

/// The most layers that are fused.
pub const MOST_LAYERS: usize = 16;

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

/// Checks that these layers can be fused, and the settings followed there.
///
/// # Errors
/// If the layers are too many, or one is named twice; if the settings ask for what belongs to one layer.
pub(crate) fn check(settings: &Settings, layers: &[&str]) -> Result<()> {
    let count = layers.len();
    if count > MOST_LAYERS {
        return Err(Error::input(format!(
            "{count} layers are named, at most {MOST_LAYERS} are fused"
        ))
        .with_hint(Hint::set("layer", "A+B", "two layers are nearly as good as many")));
    }
    if let Some(twice) = (1..count).find(|i| layers[..*i].contains(&layers[*i])) {
        return Err(Error::input(format!("layer '{}' is named twice", layers[twice]))
            .with_hint("name each layer once"));
    }
    let one_layer = [
        (settings.signed, "negative evidence"),
        (settings.uncertainty, "the uncertainty"),
        (settings.maps.is_some(), "a choice of feature maps"),
        (settings.neurons.is_some(), "a choice of neurons"),
    ];
    match one_layer.iter().find(|(requested, _)| *requested) {
        None => Ok(()),
        Some((_, what)) => {
            Err(Error::input(format!("{what} belongs to one layer, but {count} are fused"))
                .with_hint("name one layer"))
        }
    }
}

/// Fuses explanations at several layers, one after the other. Only that of the layer with the finest grid is kept whole,
/// of several the first; of all others, what is fused.
#[derive(Default)]
pub(crate) struct Fusion {
    finest: Option<Explanation>,
    others: Vec<Part>,
}

/// What is fused of an explanation at a layer.
struct Part {
    layer: Option<Layer>,
    /// The map of each target.
    maps: Vec<Array2<f32>>,
    notes: Vec<Note>,
    milliseconds: f64,
}

impl Fusion {
    /// Adds the explanation at one more layer.
    pub(crate) fn add(&mut self, explanation: Explanation) {
        let Some(finest) = self.finest.take() else {
            self.finest = Some(explanation);
            return;
        };
        let finer = cells(explanation.layer.as_ref()) > cells(finest.layer.as_ref());
        let (finest, other) = if finer { (explanation, finest) } else { (finest, explanation) };
        // One that was the finest came before all others of its size.
        let at = if finer { 0 } else { self.others.len() };
        self.others.insert(at, Part::from(other));
        self.finest = Some(finest);
    }

    /// The fused explanation: the maps of each target. All but the maps is that of the layer with the finest grid.
    ///
    /// # Errors
    /// If there is none, or a map is empty or not finite.
    pub(crate) fn fused(self) -> Result<Explanation> {
        let Fusion { finest, mut others } = self;
        let mut finest = finest.ok_or_else(|| Error::failure("no layer is fused"))?;
        others.sort_by_key(|part| std::cmp::Reverse(cells(part.layer.as_ref())));
        for (i, class) in finest.targets.iter_mut().enumerate() {
            let maps = others.iter().map(|part| &part.maps[i]);
            class.map = geometric_mean(&class.map, maps)?;
        }
        for part in others {
            finest.fused.extend(part.layer);
            finest.milliseconds += part.milliseconds;
            for note in part.notes {
                if !finest.notes.contains(&note) {
                    finest.notes.push(note);
                }
            }
        }
        finest.title.push_str(", fused");
        Ok(finest)
    }
}

impl From<Explanation> for Part {
    fn from(e: Explanation) -> Part {
        let maps = e.targets.into_iter().map(|class| class.map).collect();
        Part { layer: e.layer, maps, notes: e.notes, milliseconds: e.milliseconds }
    }
}

/// The cells of a layer's grid.
fn cells(layer: Option<&Layer>) -> usize {
    layer.map_or(0, |l| l.height * l.width)
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
