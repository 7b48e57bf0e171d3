//! Evidence is what a formula computes a map from.

use onnx_grad::Var;

/// The axis of the feature maps in a (B, K, h, w) value.
pub(super) const MAPS: usize = 1;
/// The axes of the grid in such a value.
pub(super) const GRID: &[usize] = &[2, 3];

/// What a map is computed from: values of a graph of shape (B, K, h, w), for B pictures of which each is explained by
/// itself.
///
/// `d1`, `d2`, `d3` are D_p, p = 1, 2, 3: the means over the noised pictures of the p-th powers of the gradient
/// g = dS/dA, element by element; without noise, the powers of the clean picture's gradient.
pub(crate) struct Evidence<'g> {
    /// The activations A of the clean picture.
    pub(crate) a: Var<'g>,
    pub(crate) d1: Var<'g>,
    pub(crate) d2: Var<'g>,
    pub(crate) d3: Var<'g>,
    /// 1 for the neurons that take part, else 0; (1, K, h, w).
    pub(crate) chosen: Var<'g>,
}

impl<'g> Evidence<'g> {
    /// The sum over each feature map's chosen neurons, (B, K, 1, 1).
    pub(super) fn over_neurons(&self, x: Var<'g>) -> Var<'g> {
        (x * self.chosen).sum(GRID)
    }

    /// The map sum_k W_k A_k over the chosen neurons; the weights W are (B, K, 1, 1) or (B, K, h, w).
    pub(super) fn weigh(&self, weights: Var<'g>) -> Formula<'g> {
        let signed = (weights * self.a * self.chosen).sum(&[MAPS]);
        Formula { signed, weights: Some(weights), degenerate: None }
    }
}

/// What a formula computes: values of a graph.
pub(crate) struct Formula<'g> {
    /// The map with its negative evidence, (B, 1, h, w).
    pub(crate) signed: Var<'g>,
    /// The weights W of the activations, (B, K, 1, 1) or (B, K, h, w); `None` if the map is not sum_k W_k A_k.
    pub(crate) weights: Option<Var<'g>>,
    /// The number of chosen neurons whose denominator is not positive, and of those among them that have a positive
    /// gradient, (B) each; `None` if the formula has no denominator.
    pub(crate) degenerate: Option<[Var<'g>; 2]>,
}
