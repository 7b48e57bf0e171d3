//! Checks whether maps depend on what the model has learnt: when its weights are randomised layer by layer,
//! from the top down, they must change (cascading randomisation, Adebayo et al., 1810.03292).

use ndarray::Array4;
use smoothcam::{Explainer, ExplainerBuilder, Result};

use crate::configuration::Configuration;
use crate::metrics::measurements::Measurements;
use crate::metrics::metric::{Better, Metric};
use crate::metrics::similarity::{rank_correlation, ssim};
use crate::picture::classification::Classification;
use crate::picture::evaluated::saliency_maps;
use crate::picture::saliency_map::SaliencyMap;

/// All metrics of the check.
pub(crate) static METRICS: &[Metric] = &[RANK, SSIM, CONSTANT];

const RANK: Metric = Metric {
    name: "randomized-rank",
    title: "Sanity: rank correlation",
    better: Better::Lower,
    bounds: Some([0.0, 1.0]),
    about: "The absolute value of Spearman's rank correlation between the map and that of the same class \
            when all weights of the model are randomised (put in random order). A map that stays the same, \
            or is turned into its opposite (1), does not depend on what the model has learnt. It is not \
            measured where one of the maps is constant.",
    source: "Adebayo et al., 1810.03292, section 3.2; that its absolute value counts is smoothcam's",
};

const SSIM: Metric = Metric {
    name: "randomized-ssim",
    title: "Sanity: SSIM",
    better: Better::Lower,
    bounds: Some([0.0, 1.0]),
    about: "The absolute value of the structural similarity of the same two maps.",
    source: "Adebayo et al., 1810.03292, section 3.2; that its absolute value counts is smoothcam's",
};

const CONSTANT: Metric = Metric {
    name: "randomized-constant",
    title: "Sanity: no map",
    better: Better::Neither,
    bounds: Some([0.0, 1.0]),
    about: "The share of pictures where one of these two maps is constant, mostly because there is no \
            positive evidence for the class. Nothing can be compared there, so they count neither for a \
            method nor against it.",
    source: "smoothcam",
};

/// The shares of the model's matrices and kernels, from the top, whose weights are randomised. At least one
/// of them is, even at 0.
pub(crate) const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// The name of the curve of rank correlations. It begins with the trained model, whose map correlates with
/// itself, and continues with a point for each of [`SHARES`], unknown where a map is constant.
pub(crate) const CURVE: &str = RANK.name;

/// Compares the maps of the trained model with those of more and more randomised ones: for each picture, one
/// result a configuration. Pictures are inputs as the model takes them. `progress` is called after each
/// of [`SHARES`].
///
/// # Errors
/// If the model cannot be loaded again, or the settings do not fit it.
pub(crate) fn measure(
    explainer: &Explainer,
    builder: &ExplainerBuilder,
    pictures: &[(Array4<f32>, Classification)],
    configurations: &[Configuration],
    seed: u64,
    progress: &mut dyn FnMut(),
) -> Result<Vec<Vec<Measurements>>> {
    let trained = maps(explainer, pictures, configurations)?;
    let mut measured: Vec<Vec<Measurements>> =
        trained.iter().map(|maps| vec![Measurements::default(); maps.len()]).collect();
    for (result, map) in measured.iter_mut().flatten().zip(trained.iter().flatten()) {
        let itself = (!map.is_constant()).then_some(1.0);
        result.curves.insert(CURVE.to_owned(), vec![itself]);
    }
    for share in SHARES {
        let randomized = builder.clone().randomize_top(share, seed).build()?;
        let randomized = maps(&randomized, pictures, configurations)?;
        let pairs = trained.iter().flatten().zip(randomized.iter().flatten());
        for (result, (before, after)) in measured.iter_mut().flatten().zip(pairs) {
            let compared = compare(before, after);
            if let Some(curve) = result.curves.get_mut(CURVE) {
                curve.push(compared.values.get(RANK.name).copied());
            }
            // The last share, all of the model, is what counts.
            result.values = compared.values;
        }
        progress();
    }
    Ok(measured)
}

/// Compares the map of the trained model with that of a randomised one.
fn compare(before: &SaliencyMap, after: &SaliencyMap) -> Measurements {
    if before.is_constant() || after.is_constant() {
        return Measurements::of([(&CONSTANT, 1.0)]);
    }
    let [before, after] = [before, after].map(|map| map.values().mapv(f64::from));
    let rank = rank_correlation(before.view(), after.view()).abs();
    let ssim = ssim(before.view(), after.view()).abs();
    Measurements::of([(&RANK, rank), (&SSIM, ssim), (&CONSTANT, 0.0)])
}

/// Computes the maps of each picture, one a configuration.
fn maps(
    explainer: &Explainer,
    pictures: &[(Array4<f32>, Classification)],
    configurations: &[Configuration],
) -> Result<Vec<Vec<SaliencyMap>>> {
    let of_picture = |(input, class): &(Array4<f32>, Classification)| {
        let study = explainer.study_tensor(input.clone())?;
        let maps = configurations
            .iter()
            .map(|c| saliency_maps(explainer, &study, &c.settings, &[class.target()]))
            .collect::<Result<Vec<_>>>()?;
        Ok(maps.into_iter().flatten().collect())
    };
    pictures.iter().map(of_picture).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn maps_are_compared_whatever_their_sign_and_constant_ones_are_counted() {
        let map = |values: ndarray::Array2<f32>| SaliencyMap::new(values.view(), (2, 2)).unwrap();
        let rising = map(array![[0.1, 0.2], [0.3, 0.4]]);
        for (other, rank, constant) in [
            (map(array![[0.0, 0.1], [0.5, 0.9]]), Some(1.0), 0.0),
            (map(array![[0.9, 0.5], [0.1, 0.0]]), Some(1.0), 0.0),
            (map(array![[0.1, 0.4], [0.3, 0.2]]), Some(0.2), 0.0),
            (map(array![[0.0, 0.0], [0.0, 0.0]]), None, 1.0),
            (map(array![[0.7, 0.7], [0.7, 0.7]]), None, 1.0),
        ] {
            for (before, after) in [(&rising, &other), (&other, &rising)] {
                let values = compare(before, after).values;
                let found = values.get(RANK.name).copied();
                let same = found.zip(rank).is_none_or(|(a, b)| (a - b).abs() < 1e-12);
                assert!(same && found.is_some() == rank.is_some(), "{other:?}: {found:?}");
                assert_eq!(values.contains_key(SSIM.name), rank.is_some());
                assert_eq!(values[CONSTANT.name], constant);
            }
        }
    }
}
