//! The methods: each a short formula over a layer's activations and gradients.

mod cam;
mod grad_cam;
mod grad_cam_plus_plus;
mod hires_cam;
mod layer_cam;
mod sensitivity;
mod session;
mod xgrad_cam;

pub(crate) use session::{LoadedMethod, Outcome};

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use onnx_grad::Var;
use serde::{Serialize, Serializer};

use crate::{Error, Hint, Result};

/// What a map is computed from: values of a graph, each of shape (B, K, h, w): B pictures, each by itself.
///
/// `d1`, `d2`, `d3` are D_p, the means over the noised pictures of the p-th powers of the
/// gradient g = dS_c/dA, element by element; without noise, the powers of the clean picture's.
pub(crate) struct Evidence<'g> {
    /// The clean picture's activations A.
    pub(crate) a: Var<'g>,
    pub(crate) d1: Var<'g>,
    pub(crate) d2: Var<'g>,
    pub(crate) d3: Var<'g>,
    /// 1 for the neurons that take part, else 0; (1, K, h, w).
    pub(crate) chosen: Var<'g>,
}

/// The axis of the feature maps in a (B, K, h, w) value.
const MAPS: usize = 1;
/// The axes of the grid.
const GRID: &[usize] = &[2, 3];

impl<'g> Evidence<'g> {
    /// The sum over each map's chosen neurons, of shape (B, K, 1, 1).
    fn over_neurons(&self, x: Var<'g>) -> Var<'g> {
        (x * self.chosen).sum(GRID)
    }

    /// The map sum_k W_k A_k over the chosen neurons; `weights` (B, K, 1, 1) or (B, K, h, w).
    fn weigh(&self, weights: Var<'g>) -> Formula<'g> {
        let signed = (weights * self.a * self.chosen).sum(&[MAPS]);
        Formula { signed, weights: Some(weights), degenerate: None }
    }
}

/// What a method gives, as values of a graph.
pub(crate) struct Formula<'g> {
    /// The map before negative evidence is cut off, of shape (B, 1, h, w).
    pub(crate) signed: Var<'g>,
    /// The weights W of the activations, (B, K, 1, 1) or (B, K, h, w), where the map is sum_k W_k A_k.
    pub(crate) weights: Option<Var<'g>>,
    /// How many chosen neurons have a denominator that is not positive, and how many of these a
    /// positive gradient, where that can happen.
    pub(crate) degenerate: Option<[Var<'g>; 2]>,
}

/// A method's row in the table.
pub(crate) struct Spec {
    /// What it is called on the command line.
    name: &'static str,
    /// Its name in print.
    title: &'static str,
    /// Its name in print when smoothed, where it has one of its own.
    smoothed: Option<&'static str>,
    /// The formula, and the paper that it comes from.
    source: &'static str,
    /// Noised samples by default.
    samples: usize,
    /// Whether it is nothing without noise.
    noise: Noise,
    /// Whether it looks at the model's input in place of a layer.
    pub(crate) at_input: bool,
    /// Whether it is defined for layers with a linear head only.
    pub(crate) linear_head: bool,
    /// Whether its weights are never negative, so that a map of activations that are not negative
    /// either holds no negative evidence.
    nonnegative: bool,
    /// The map's dimension: by which power of u it grows when gradients are u times as large and
    /// activations 1/u. Nearly all maps are sums of gradient times activation, so 0.
    pub(crate) degree: i32,
    pub(crate) formula: for<'a, 'g> fn(&'a Evidence<'g>) -> Formula<'g>,
}

/// What most methods have in common; each adds its names, source and formula.
const GRADIENT_CAM: Spec = Spec {
    name: "",
    title: "",
    smoothed: None,
    source: "",
    samples: 0,
    noise: Noise::Optional,
    at_input: false,
    linear_head: false,
    nonnegative: false,
    degree: 0,
    formula: |e| e.weigh(e.d1),
};

#[derive(PartialEq, Eq)]
enum Noise {
    /// The method is defined by it.
    Required,
    /// The method may be smoothed.
    Optional,
    /// The method uses no gradient at all.
    Useless,
}

/// In the order in which they are compared.
static METHODS: &[&Spec] = &[
    &grad_cam_plus_plus::SMOOTH,
    &grad_cam_plus_plus::SMOOTH_AS_PRINTED,
    &grad_cam_plus_plus::PLAIN,
    &grad_cam::SPEC,
    &cam::SPEC,
    &layer_cam::SPEC,
    &hires_cam::SPEC,
    &xgrad_cam::SPEC,
    &sensitivity::PLAIN,
    &sensitivity::SMOOTH,
];

/// A way to compute a saliency map.
#[derive(Clone, Copy)]
pub struct Method(&'static Spec);

impl Method {
    /// All methods, in the order in which they are best compared.
    pub fn all() -> impl ExactSizeIterator<Item = Method> {
        METHODS.iter().map(|s| Method(s))
    }

    /// Its name on the command line, such as `grad-cam`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Its name in print, smoothed by noised samples or not.
    pub fn title(self, smoothed: bool) -> String {
        match (smoothed && self.0.noise == Noise::Optional, self.0.smoothed) {
            (false, _) => self.0.title.to_owned(),
            (true, Some(title)) => title.to_owned(),
            (true, None) => format!("smoothed {}", self.0.title),
        }
    }

    /// The formula and its source, in one line.
    pub fn source(self) -> &'static str {
        self.0.source
    }

    /// How many noised samples it takes by default.
    pub fn default_samples(self) -> usize {
        self.0.samples
    }

    /// Whether it looks at the model's input in place of a layer.
    pub fn at_input(self) -> bool {
        self.0.at_input
    }

    /// Whether it can take this number of noised samples.
    pub fn takes_samples(self, samples: usize) -> bool {
        self.check_samples(samples).is_ok()
    }

    /// Whether its weights are never negative.
    pub(crate) fn has_nonnegative_weights(self) -> bool {
        self.0.nonnegative
    }

    pub(crate) fn spec(self) -> &'static Spec {
        self.0
    }

    /// Checks that the method can take this number of noised samples.
    pub(crate) fn check_samples(self, samples: usize) -> Result<()> {
        match self.0.noise {
            Noise::Required if samples == 0 => {
                let plain = if self.0.at_input { "sensitivity" } else { "grad-cam++" };
                Err(Error::input(format!("{} needs noised samples, at least 1", self.0.title))
                    .with_hint(Hint::set("method", plain, "choose a method without noise")))
            }
            Noise::Useless if samples > 0 => Err(Error::input(format!(
                "{} cannot be smoothed: its weights do not depend on the picture",
                self.0.title
            ))
            .with_hint(Hint::leave_out("samples"))),
            _ => Ok(()),
        }
    }
}

impl Default for Method {
    /// Smooth Grad-CAM++.
    fn default() -> Self {
        Method(&grad_cam_plus_plus::SMOOTH)
    }
}

impl PartialEq for Method {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Method {}

impl Hash for Method {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name)
    }
}

impl FromStr for Method {
    type Err = Error;

    /// By name; upper case, hyphens, underscores and `pp` for `++` make no difference.
    fn from_str(text: &str) -> Result<Self> {
        let plain = |s: &str| {
            let s: String = s.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
            let s = s.to_lowercase();
            s.strip_suffix("pp").map(|s| format!("{s}++")).unwrap_or(s)
        };
        Method::all().find(|m| plain(m.name()) == plain(text)).ok_or_else(|| {
            let names: Vec<_> = Method::all().map(Method::name).collect();
            Error::input(format!("there is no method '{text}'"))
                .with_hint(format!("choose one of {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests;
