//! HiResCAM (Draelos and Carin, arXiv 2011.08891, eq. 5): L = ReLU(sum_k D1_k A_k), each neuron
//! with a weight of its own.

use super::{Evidence, Formula, GRADIENT_CAM, Spec};

pub(super) const SPEC: Spec = Spec {
    name: "hires-cam",
    title: "HiResCAM",
    source: "W = g, neuron by neuron; arXiv 2011.08891",
    formula,
    ..GRADIENT_CAM
};

fn formula<'g>(e: &Evidence<'g>) -> Formula<'g> {
    e.weigh(e.d1)
}
