//! Progress is reported while an explanation is computed, and can stop it.

use std::ops::ControlFlow;

use ndarray::Array2;

use crate::Result;

/// Is called with the number of passes that are done, and of all.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

/// Is called after each step of an explanation. If it returns `Break`, no more noised samples are taken: the explanation is
/// that of the samples so far, at least one.
pub type Watch<'a> = &'a mut dyn FnMut(&Step<'_>) -> ControlFlow<()>;

/// A step of an explanation.
pub struct Step<'a> {
    /// The number of passes that are done.
    pub done: usize,
    /// The number of passes that there will be, as far as is known.
    pub all: usize,
    /// The maps so far; `None` before the first.
    maps: Option<&'a dyn Fn() -> Result<Vec<Array2<f32>>>>,
}

impl<'a> Step<'a> {
    /// A step before there are maps.
    pub(crate) fn begun(done: usize, all: usize) -> Step<'static> {
        Step { done, all, maps: None }
    }

    /// A step with the maps of the samples so far.
    pub(crate) fn with_maps(
        done: usize,
        all: usize,
        maps: &'a dyn Fn() -> Result<Vec<Array2<f32>>>,
    ) -> Step<'a> {
        Step { done, all, maps: Some(maps) }
    }

    /// The same step as one of the `i`-th of `parts` equal parts.
    pub(crate) fn as_part(&self, i: usize, parts: usize) -> Step<'a> {
        Step { done: i * self.all + self.done, all: parts * self.all, maps: self.maps }
    }

    /// Per target, the normalised map (h, w) of the samples so far; where layers are fused, that of the layer in work. Empty
    /// before the first sample.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn maps(&self) -> Result<Vec<Array2<f32>>> {
        self.maps.map_or(Ok(Vec::new()), |maps| maps())
    }
}
