//! XGrad-CAM weighs each feature map by its gradients, averaged by activation (Fu et al., arXiv 2008.02312, eq. 8).
//!
//! w_k = sum_ij (D1 A)_kij / sum_ij A_kij.

use crate::methods::evidence::{Evidence, Formula};
use crate::methods::spec::{GRADIENT_CAM, Spec};

pub(super) const SPEC: Spec = Spec {
    name: "xgrad-cam",
    title: "XGrad-CAM",
    source: "w_k = sum(g A) / sum(A); arXiv 2008.02312, eq. 8",
    formula,
    ..GRADIENT_CAM
};

fn formula<'g>(e: &Evidence<'g>) -> Formula<'g> {
    let total = e.over_neurons(e.a);
    // A map without activation gets the weight 0, not 0 / 0.
    let silent = total.compare("Equal", e.a.tape().scalar(0.0));
    let weights = e.over_neurons(e.d1 * e.a) / silent.select(total + 1.0, total);
    e.weigh(weights)
}
