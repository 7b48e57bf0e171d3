//! An explanation as it comes about.

use std::ops::ControlFlow;

use ndarray::Array2;

use crate::Result;

/// Told how many of how many passes are done.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

/// Watches an explanation come about. `Break` ends the noised samples: the explanation is that of those taken
/// so far, at least one.
pub type Watch<'a> = &'a mut dyn FnMut(&Step<'_>) -> ControlFlow<()>;

/// How far an explanation is.
pub struct Step<'a> {
    /// Passes that are done.
    pub done: usize,
    /// Passes that there will be, as far as is known.
    pub all: usize,
    maps: Option<&'a dyn Fn() -> Result<Vec<Array2<f32>>>>,
}

impl<'a> Step<'a> {
    /// Before there are maps.
    pub(crate) fn begun(done: usize, all: usize) -> Step<'static> {
        Step { done, all, maps: None }
    }

    /// With a way to the maps of what has been done.
    pub(crate) fn with_maps(
        done: usize,
        all: usize,
        maps: &'a dyn Fn() -> Result<Vec<Array2<f32>>>,
    ) -> Step<'a> {
        Step { done, all, maps: Some(maps) }
    }

    /// The same step as the `i`-th part of `parts` alike.
    pub(crate) fn as_part(&self, i: usize, parts: usize) -> Step<'a> {
        Step { done: i * self.all + self.done, all: parts * self.all, maps: self.maps }
    }

    /// Per class explained, the normalised map (h, w) as it is now: of the samples taken so far, and, where
    /// layers are fused, of the one in work. None before the first sample.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn maps(&self) -> Result<Vec<Array2<f32>>> {
        self.maps.map_or(Ok(Vec::new()), |maps| maps())
    }
}
