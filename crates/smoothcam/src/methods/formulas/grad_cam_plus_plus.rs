//! Grad-CAM++ weighs each feature map by its positive gradients, these weighed by alpha (Chattopadhyay et al., arXiv
//! 1710.11063, eq. 10, 19); Smooth Grad-CAM++ takes the means over noised pictures (Omeiza et al., arXiv 1908.01224).
//!
//! w_k = sum_ij alpha_kij ReLU(D1_kij), alpha = D2 / (2 D2 + (sum_ab max(A_kab, 0)) D3); where D2 = 0, alpha = 0.
//!
//! The Smooth Grad-CAM++ paper prints D1 as alpha's numerator; its derivation, and Grad-CAM++, need D2. The papers write
//! sum_ab A_kab; the derivation holds for activations that are not negative, hence the maximum.

use onnx_grad::Var;

use crate::methods::evidence::{Evidence, Formula, GRID};
use crate::methods::spec::{GRADIENT_CAM, Smoothing, Spec};

pub(super) const SMOOTH: Spec = Spec {
    name: "smooth-grad-cam++",
    title: "Smooth Grad-CAM++",
    source: "w_k = sum alpha ReLU(D1), alpha = D2 / (2 D2 + sum(max(A, 0)) D3); arXiv 1908.01224",
    samples: 8,
    nonnegative: true,
    smoothing: Smoothing::Required { plain: PLAIN.name },
    formula: |e| formula(e, e.d2),
    ..GRADIENT_CAM
};

pub(super) const SMOOTH_AS_PRINTED: Spec = Spec {
    name: "smooth-grad-cam++-as-printed",
    title: "Smooth Grad-CAM++ (as printed)",
    source: "w_k = sum alpha ReLU(D1), alpha = D1 / (2 D2 + sum(max(A, 0)) D3), as printed in arXiv 1908.01224",
    degree: -1,
    formula: |e| formula(e, e.d1),
    ..SMOOTH
};

pub(super) const PLAIN: Spec = Spec {
    name: "grad-cam++",
    title: "Grad-CAM++",
    smoothed: Some("Smooth Grad-CAM++"),
    nonnegative: true,
    source: "w_k = sum alpha ReLU(g), alpha = g^2 / (2 g^2 + sum(max(A, 0)) g^3); arXiv 1710.11063, eq. 10, 19",
    formula: |e| formula(e, e.d2),
    ..GRADIENT_CAM
};

fn formula<'g>(e: &Evidence<'g>, numerator: Var<'g>) -> Formula<'g> {
    let sum_a = e.a.relu().sum(GRID);
    let denominator = e.d2 * 2.0 + sum_a * e.d3;
    let moved = e.d2.step();
    let defined = denominator.step() * moved;
    // Where alpha is not defined it is 0, whatever it is divided by.
    let alpha = defined * numerator / (defined * denominator + (1.0 - defined));
    let weights = e.over_neurons(alpha * e.d1.relu());
    let degenerate = (moved - defined) * e.chosen;
    let of_these_positive = degenerate * e.d1.step();
    let count = |x: Var<'g>| x.sum(&[1, 2, 3]);
    Formula { degenerate: Some([degenerate, of_these_positive].map(count)), ..e.weigh(weights) }
}
