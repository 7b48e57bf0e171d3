//! Grad-CAM++ (Chattopadhyay et al., arXiv 1710.11063, eq. 10 and 19), and its smooth form
//! (Omeiza et al., arXiv 1908.01224).
//!
//! w_k = sum_ij alpha_kij ReLU(D1_kij), alpha = D2 / (2 D2 + (sum_ab A_kab) D3).
//!
//! The Smooth Grad-CAM++ paper prints D1 as alpha's numerator; its derivation, and Grad-CAM++,
//! need D2. Where D2 = 0, alpha = 0. The derivation holds for activations that are not negative,
//! so the sum runs over max(A, 0).

use onnx_grad::Var;

use super::{Evidence, Formula, GRADIENT_CAM, GRID, Noise, Spec};

pub(super) const SMOOTH: Spec = Spec {
    name: "smooth-grad-cam++",
    title: "Smooth Grad-CAM++",
    source: "w_k = sum alpha ReLU(D1), alpha = D2 / (2 D2 + sum(A) D3); arXiv 1908.01224",
    samples: 8,
    nonnegative: true,
    noise: Noise::Required,
    formula: |e| formula(e, e.d2),
    ..GRADIENT_CAM
};

pub(super) const SMOOTH_AS_PRINTED: Spec = Spec {
    name: "smooth-grad-cam++-as-printed",
    title: "Smooth Grad-CAM++ (as printed)",
    source: "the same with D1 as alpha's numerator, as the paper prints it; arXiv 1908.01224",
    degree: -1,
    formula: |e| formula(e, e.d1),
    ..SMOOTH
};

pub(super) const PLAIN: Spec = Spec {
    name: "grad-cam++",
    title: "Grad-CAM++",
    smoothed: Some("Smooth Grad-CAM++"),
    nonnegative: true,
    source: "w_k = sum alpha ReLU(g), alpha = g^2 / (2 g^2 + sum(A) g^3); arXiv 1710.11063, eq. 10, 19",
    formula: |e| formula(e, e.d2),
    ..GRADIENT_CAM
};

fn formula<'g>(e: &Evidence<'g>, numerator: Var<'g>) -> Formula<'g> {
    let sum_a = e.a.relu().sum(GRID);
    let denominator = e.d2 * 2.0 + sum_a * e.d3;
    let moved = e.d2.step();
    let defined = denominator.step() * moved;
    // Where it is not defined alpha is 0, whatever it is divided by.
    let alpha = defined * numerator / (defined * denominator + (1.0 - defined));
    let weights = e.over_neurons(alpha * e.d1.relu());
    let degenerate = (moved - defined) * e.chosen;
    let of_these_positive = degenerate * e.d1.step();
    let count = |x: Var<'g>| x.sum(&[1, 2, 3]);
    Formula { degenerate: Some([degenerate, of_these_positive].map(count)), ..e.weigh(weights) }
}
