//! Grad-CAM weighs each feature map by its mean gradient (Selvaraju et al., arXiv 1610.02391, eq. 1, 2).
//!
//! w_k = mean_ij D1_kij.

use crate::methods::evidence::{Evidence, Formula};
use crate::methods::spec::{GRADIENT_CAM, Spec};

pub(super) const SPEC: Spec = Spec {
    name: "grad-cam",
    title: "Grad-CAM",
    source: "w_k = mean(g); arXiv 1610.02391, eq. 1, 2",
    formula,
    ..GRADIENT_CAM
};

fn formula<'g>(e: &Evidence<'g>) -> Formula<'g> {
    let count = e.over_neurons(e.chosen);
    // A map without chosen neurons gets the weight 0, not 0 / 0.
    let count = count.gt(0.0).select(count, count + 1.0);
    e.weigh(e.over_neurons(e.d1) / count)
}
