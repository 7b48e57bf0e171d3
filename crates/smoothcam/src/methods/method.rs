//! A method is a way to compute a saliency map, found by its name.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::formulas::METHODS;
use super::spec::{Smoothing, Spec};
use crate::{Error, Hint, Result};

/// A way to compute a saliency map. The default is Smooth Grad-CAM++.
#[derive(Clone, Copy)]
pub struct Method(&'static Spec);

impl Method {
    /// All methods, in the order in which they are best compared.
    pub fn all() -> impl ExactSizeIterator<Item = Method> {
        METHODS.iter().map(|s| Method(s))
    }

    /// Its name in settings, such as `grad-cam`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Its name in print, smoothed by noised samples or not.
    pub fn title(self, smoothed: bool) -> String {
        let title = self.0.title;
        if smoothed && self.0.smoothing == Smoothing::Optional {
            self.0.smoothed.map_or_else(|| format!("smoothed {title}"), str::to_owned)
        } else {
            title.to_owned()
        }
    }

    /// The formula and its source (paper and equation), in one line.
    pub fn source(self) -> &'static str {
        self.0.source
    }

    /// The number of noised samples that it takes by default; 0 for methods without noise.
    pub fn default_samples(self) -> usize {
        self.0.samples
    }

    /// Whether it looks at the model's input in place of a layer.
    pub fn at_input(self) -> bool {
        self.0.at_input
    }

    /// Whether it is defined only for layers with a linear head, of which the last is one.
    pub fn needs_linear_head(self) -> bool {
        self.0.linear_head
    }

    /// Whether it can take this number of noised samples.
    pub fn takes_samples(self, samples: usize) -> bool {
        self.check_samples(samples).is_ok()
    }

    /// Whether its weights are never negative.
    pub(crate) fn has_nonnegative_weights(self) -> bool {
        self.0.nonnegative
    }

    /// Its description.
    pub(crate) fn spec(self) -> &'static Spec {
        self.0
    }

    /// Checks that it can take this number of noised samples.
    ///
    /// # Errors
    /// If it needs noise and there are none, or noise has no effect on it and there are some.
    pub(crate) fn check_samples(self, samples: usize) -> Result<()> {
        match self.0.smoothing {
            Smoothing::Required { plain } if samples == 0 => {
                Err(Error::input(format!("{} needs noised samples, at least 1", self.0.title))
                    .with_hint(Hint::set("method", plain, "choose a method without noise")))
            }
            Smoothing::Useless if samples > 0 => Err(Error::input(format!(
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
        Method(METHODS[0])
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

    /// Finds a method by its name; upper case, hyphens, underscores and `pp` for `++` make no difference.
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
