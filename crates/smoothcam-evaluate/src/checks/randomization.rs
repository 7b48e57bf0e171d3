//! The sanity check of Adebayo et al. (1810.03292): when the classifier forgets what it learnt, from the
//! top down, the map must change.

use smoothcam::{Explainer, ExplainerBuilder, Result};

use crate::configuration::Configuration;
use crate::metrics::similarity::{rank_correlation, ssim};
use crate::metrics::{Better, Measured, Metric};
use crate::picture::evaluated::Subject;
use crate::picture::saliency_map::Heat;
use crate::records::Part;

/// What is measured of it.
pub(crate) static METRICS: &[Metric] = &[RANK, SSIM];

const RANK: Metric = Metric {
    name: "forgotten-rank",
    title: "Sanity: rank correlation",
    better: Better::Lower,
    about: "Spearman's correlation of the map with that of the same class when all weights of the \
            classifier are in random order. A map that stays the same (1) does not explain the \
            classifier.",
    source: "Adebayo et al., 1810.03292, section 3.2",
};

const SSIM: Metric = Metric {
    name: "forgotten-ssim",
    title: "Sanity: SSIM",
    better: Better::Lower,
    about: "The same by structural similarity.",
    source: "Adebayo et al., 1810.03292, section 3.2",
};

/// The shares of matrices and kernels, from the top, that are put in random order; at least one is.
pub(crate) const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// The curves: their first place is the trained classifier's own map.
pub(crate) const CURVE: &str = RANK.name;

/// Compares the maps of pictures by classifiers that forget more and more: per picture and
/// configuration, what was measured.
///
/// # Errors
/// If the model cannot be loaded again, or the settings do not fit it.
pub(crate) fn measure(
    explainer: &Explainer,
    builder: &ExplainerBuilder,
    pictures: &[(ndarray::Array4<f32>, Part)],
    configurations: &[Configuration],
    seed: u64,
    progress: &mut dyn FnMut(),
) -> Result<Vec<Vec<Measured>>> {
    let maps = |explainer: &Explainer| -> Result<Vec<Vec<Heat>>> {
        let of_picture = |(input, part): &(ndarray::Array4<f32>, Part)| {
            let study = explainer.study_tensor(input.clone())?;
            let subject = Subject::new(explainer, study, Some(part.class))?;
            let map = |c: &Configuration| subject.explain(&c.settings).map(|(heat, _)| heat);
            configurations.iter().map(map).collect::<Result<Vec<Heat>>>()
        };
        pictures.iter().map(of_picture).collect()
    };
    let trained = maps(explainer)?;
    let mut measured: Vec<Vec<Measured>> =
        trained.iter().map(|maps| vec![Measured::default(); maps.len()]).collect();
    for of_picture in measured.iter_mut().flatten() {
        of_picture.curves.insert(CURVE.to_owned(), vec![1.0]);
    }
    for share in SHARES {
        let forgetful = builder.clone().randomize_top(share, seed).build()?;
        for ((of_picture, before), after) in
            measured.iter_mut().zip(&trained).zip(maps(&forgetful)?)
        {
            for ((measured, before), after) in of_picture.iter_mut().zip(before).zip(&after) {
                let [before, after] = [before, after].map(|heat| heat.values().mapv(f64::from));
                let rank = rank_correlation(before.view(), after.view());
                if let Some(curve) = measured.curves.get_mut(CURVE) {
                    curve.push(rank);
                }
                let ssim = ssim(before.view(), after.view());
                measured.values.insert(RANK.name.to_owned(), rank);
                measured.values.insert(SSIM.name.to_owned(), ssim);
            }
        }
        progress();
    }
    Ok(measured)
}
