//! CAM weighs each feature map as the linear layer after global average pooling does (Zhou et al., arXiv 1512.04150, eq. 2).
//!
//! w_k is the class's weight for map k. There g_kij = w_k / (h w) everywhere, so that w_k = sum_ij g_kij.

use crate::methods::evidence::{Evidence, Formula, GRID};
use crate::methods::spec::{GRADIENT_CAM, Smoothing, Spec};

pub(super) const SPEC: Spec = Spec {
    name: "cam",
    title: "CAM",
    source: "w_k = the class's weight after global average pooling; arXiv 1512.04150, eq. 2",
    smoothing: Smoothing::Useless,
    linear_head: true,
    formula,
    ..GRADIENT_CAM
};

fn formula<'g>(e: &Evidence<'g>) -> Formula<'g> {
    e.weigh(e.d1.sum(GRID))
}
