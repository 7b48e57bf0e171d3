//! HiResCAM (Draelos and Carin, arXiv 2011.08891, eq. 5): L = ReLU(sum_k D1_k A_k), each neuron
//! with a weight of its own.

use super::{Evidence, Formula, Noise, Spec};

pub(super) const SPEC: Spec = Spec {
    name: "hires-cam",
    title: "HiResCAM",
    smoothed: None,
    source: "W = g, neuron by neuron; arXiv 2011.08891",
    samples: 0,
    noise: Noise::Optional,
    at_input: false,
    linear_head: false,
    degree: 0,
    formula,
};

fn formula<'g>(e: &Evidence<'g>) -> Formula<'g> {
    e.weigh(e.d1)
}
