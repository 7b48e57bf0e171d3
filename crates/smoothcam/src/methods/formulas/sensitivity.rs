//! Sensitivity maps show the largest absolute gradient of the input's channels (Simonyan et al., arXiv 1312.6034, section
//! 3.1), SmoothGrad that of the mean gradient of noised pictures (Smilkov et al., arXiv 1706.03825).

use crate::methods::evidence::{Evidence, Formula, MAPS};
use crate::methods::spec::{GRADIENT_CAM, Smoothing, Spec};

pub(super) const PLAIN: Spec = Spec {
    name: "sensitivity",
    title: "Sensitivity map",
    smoothed: Some("SmoothGrad"),
    source: "the largest |dS/dx| of the channels; arXiv 1312.6034",
    at_input: true,
    nonnegative: true,
    degree: 1,
    formula,
    ..GRADIENT_CAM
};

pub(super) const SMOOTH: Spec = Spec {
    name: "smooth-grad",
    title: "SmoothGrad",
    source: "the sensitivity map of the mean gradient of noised pictures; arXiv 1706.03825",
    samples: 25,
    smoothing: Smoothing::Required { plain: PLAIN.name },
    ..PLAIN
};

fn formula<'g>(e: &Evidence<'g>) -> Formula<'g> {
    let signed = (e.d1.abs() * e.chosen).reduce("ReduceMax", &[MAPS]);
    Formula { signed, weights: None, degenerate: None }
}
