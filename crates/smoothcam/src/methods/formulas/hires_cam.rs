//! HiResCAM weighs each neuron by its gradient (Draelos and Carin, arXiv 2011.08891, eq. 5).
//!
//! L = ReLU(sum_k D1_k A_k).

use crate::methods::evidence::{Evidence, Formula};
use crate::methods::spec::{GRADIENT_CAM, Spec};

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
