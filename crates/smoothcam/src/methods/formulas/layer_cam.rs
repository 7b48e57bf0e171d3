//! LayerCAM weighs each neuron by its positive gradient (Jiang et al., IEEE TIP 2021, eq. 6, 7).
//!
//! L = ReLU(sum_k ReLU(D1_k) A_k).

use crate::methods::evidence::{Evidence, Formula};
use crate::methods::spec::{GRADIENT_CAM, Spec};

pub(super) const SPEC: Spec = Spec {
    name: "layer-cam",
    title: "LayerCAM",
    nonnegative: true,
    source: "W = ReLU(g), neuron by neuron; LayerCAM, IEEE TIP 2021, eq. 6, 7",
    formula,
    ..GRADIENT_CAM
};

fn formula<'g>(e: &Evidence<'g>) -> Formula<'g> {
    e.weigh(e.d1.relu())
}
