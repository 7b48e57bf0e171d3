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
pub(crate) static METRICS: &[Metric] = &[RANK, SSIM];

const RANK: Metric = Metric {
    name: "forgotten-rank",
    title: "Sanity: rank correlation",
    better: Better::Lower,
    about: "Spearman's rank correlation between the map and that of the same class when all weights of the \
            model are randomised (put in random order). A map that stays the same (1) does not explain the \
            model.",
    source: "Adebayo et al., 1810.03292, section 3.2",
};

const SSIM: Metric = Metric {
    name: "forgotten-ssim",
    title: "Sanity: SSIM",
    better: Better::Lower,
    about: "The structural similarity of the same two maps.",
    source: "Adebayo et al., 1810.03292, section 3.2",
};

/// The shares of the model's matrices and kernels, from the top, whose weights are randomised. At least one
/// of them is, even at 0.
pub(crate) const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// The name of the curve of rank correlations. It begins with the trained model, whose map correlates with
/// itself, and continues with a point for each of [`SHARES`].
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
    for result in measured.iter_mut().flatten() {
        result.curves.insert(CURVE.to_owned(), vec![1.0]);
    }
    for share in SHARES {
        let randomized = builder.clone().randomize_top(share, seed).build()?;
        let randomized = maps(&randomized, pictures, configurations)?;
        let pairs = trained.iter().flatten().zip(randomized.iter().flatten());
        for (result, (before, after)) in measured.iter_mut().flatten().zip(pairs) {
            let [before, after] = [before, after].map(|map| map.values().mapv(f64::from));
            let rank = rank_correlation(before.view(), after.view());
            if let Some(curve) = result.curves.get_mut(CURVE) {
                curve.push(rank);
            }
            // The last share, all of the model, is what counts.
            result.values.insert(RANK.name.to_owned(), rank);
            result.values.insert(SSIM.name.to_owned(), ssim(before.view(), after.view()));
        }
        progress();
    }
    Ok(measured)
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
