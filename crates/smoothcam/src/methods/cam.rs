//! CAM (Zhou et al., arXiv 1512.04150, eq. 2): w_k is the class's weight for map k in the linear
//! layer that follows global average pooling.
//!
//! There g_kij = w_k / (h w) everywhere, so that w_k = sum_ij g_kij.

use super::{Evidence, Formula, GRADIENT_CAM, GRID, Noise, Spec};

pub(super) const SPEC: Spec = Spec {
    name: "cam",
    title: "CAM",
    source: "w_k = the class's weight after global average pooling; arXiv 1512.04150, eq. 2",
    noise: Noise::Useless,
    linear_head: true,
    formula,
    ..GRADIENT_CAM
};

fn formula<'g>(e: &Evidence<'g>) -> Formula<'g> {
    e.weigh(e.d1.sum(GRID))
}
