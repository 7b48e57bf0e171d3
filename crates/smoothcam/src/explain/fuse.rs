//! Maps at several layers, fused: what all of them point at, as fine as the finest of them.

use ndarray::Array2;

use crate::explain::explanation::Explanation;
use crate::explain::settings::Settings;
use crate::explain::study::Study;
use crate::explainer::Explainer;
use crate::map::field::interpolated;
use crate::sampling::progress::Watch;
use crate::{Error, Result};

/// What stands between the names of layers that are fused.
const AND: char = '+';

impl Explainer {
    /// The layers that a name such as `blocks.10+blocks.14` joins; a single one if there is a layer of
    /// this name, or nothing is joined.
    pub fn fused_layers<'n>(&self, name: &'n str) -> Vec<&'n str> {
        if self.find_layer(name).is_ok() {
            return vec![name];
        }
        name.split(AND).map(str::trim).collect()
    }
}

impl Study<'_> {
    /// Explains the picture at each of the layers, and fuses the maps. All but the maps is that of the
    /// layer with the finest grid.
    pub(crate) fn explain_fused(
        &self,
        settings: &Settings,
        layers: &[&str],
        watch: Watch<'_>,
    ) -> Result<Explanation> {
        let one_layer = [
            (settings.signed, "negative evidence"),
            (settings.uncertainty, "the uncertainty"),
            (settings.maps.is_some(), "a choice of feature maps"),
            (settings.neurons.is_some(), "a choice of neurons"),
        ];
        if let Some((_, what)) = one_layer.iter().find(|(asked, _)| *asked) {
            return Err(Error::input(format!(
                "{what} is of one layer, but {} are fused",
                layers.len()
            ))
            .with_hint("name one layer"));
        }
        let each = layers.iter().enumerate().map(|(i, layer)| {
            let settings = Settings { layer: Some((*layer).to_owned()), ..settings.clone() };
            self.watch(&settings, &mut |step| watch(&step.as_part(i, layers.len())))
        });
        let mut each = each.collect::<Result<Vec<Explanation>>>()?;
        let cells = |e: &Explanation| e.layer.as_ref().map_or(0, |l| l.height * l.width);
        each.sort_by_key(|e| std::cmp::Reverse(cells(e)));
        let mut others = each.split_off(1);
        let mut finest = each.remove(0);
        for (i, class) in finest.classes.iter_mut().enumerate() {
            let maps = others.iter().map(|e| &e.classes[i].map);
            class.map = fuse(&class.map, maps)?;
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
}

/// The geometric mean of maps, each divided by its maximum, cell by cell of the first one's grid: evidence
/// that one of them lacks is none.
fn fuse<'a>(
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
    use crate::{Limits, Method, Picture};

    #[test]
    fn a_fine_map_within_a_coarse_one() {
        let fine = array![[2.0, 4.0, 0.0, 4.0]];
        let coarse = array![[9.0, 0.0]];
        // Between its two centres, the coarse one falls from 1 to 0.
        let fused = fuse(&fine, [&coarse].into_iter()).unwrap();
        let expected = [0.5f32.sqrt(), 0.75f32.sqrt(), 0.0, 0.0];
        for (found, expected) in fused.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{fused}");
        }
        let nothing = array![[0.0]];
        assert_eq!(fuse(&fine, [&nothing].into_iter()).unwrap(), array![[0.0, 0.0, 0.0, 0.0]]);
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
        let maps = [&deep.classes[0].map];
        assert_eq!(fused.classes[0].map, fuse(&fine.classes[0].map, maps.into_iter()).unwrap());
        assert!(explain("blocks.10+nothing").unwrap_err().to_string().contains("'nothing'"));
    }
}
