//! A spec describes one method: its names, its formula and where that comes from.

use super::evidence::{Evidence, Formula};

/// A method's description.
pub(crate) struct Spec {
    /// Its name in settings, such as `grad-cam`.
    pub(super) name: &'static str,
    /// Its name in print.
    pub(super) title: &'static str,
    /// Its name in print when smoothed; `None` if that is "smoothed" and the title.
    pub(super) smoothed: Option<&'static str>,
    /// The formula and its source (paper and equation), in one line.
    pub(super) source: &'static str,
    /// The number of noised samples by default.
    pub(super) samples: usize,
    /// What noise is to the method.
    pub(super) smoothing: Smoothing,
    /// Whether it looks at the model's input in place of a layer.
    pub(crate) at_input: bool,
    /// Whether it is defined only for layers with a linear head.
    pub(crate) linear_head: bool,
    /// Whether its weights are never negative, so that a map of activations that are not negative
    /// either holds no negative evidence.
    pub(super) nonnegative: bool,
    /// The power of u by which the map grows when gradients are u times as large and activations 1/u. Nearly all maps are
    /// sums of gradient times activation, so it is 0.
    pub(crate) degree: i32,
    /// The formula.
    pub(crate) formula: for<'a, 'g> fn(&'a Evidence<'g>) -> Formula<'g>,
}

/// What noise is to a method.
#[derive(PartialEq, Eq)]
pub(super) enum Smoothing {
    /// A part of its definition. Without noise it would be the method of the name `plain`.
    Required { plain: &'static str },
    /// A choice: its gradients may be those of noised pictures.
    Optional,
    /// Without effect: its weights do not depend on the picture.
    Useless,
}

/// What most methods have in common; each adds its names, source and formula.
pub(super) const GRADIENT_CAM: Spec = Spec {
    name: "",
    title: "",
    smoothed: None,
    source: "",
    samples: 0,
    smoothing: Smoothing::Optional,
    at_input: false,
    linear_head: false,
    nonnegative: false,
    degree: 0,
    formula: |e| e.weigh(e.d1),
};
