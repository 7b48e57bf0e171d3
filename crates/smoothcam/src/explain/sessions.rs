//! Holds the sessions that explanations of a classifier run: each is loaded once.

use std::sync::Arc;

use onnx_grad::ValueId;

use super::overview::OverviewSession;
use crate::Result;
use crate::cache::Cache;
use crate::classifier::Classifier;
use crate::classifier::grid::Grid;
use crate::classifier::network::Network;
use crate::gradient::parts::{Parts, TARGETS};
use crate::gradient::session::GradientSession;
use crate::methods::{LoadedMethod, Method};

/// Gradient sessions that stay loaded, for as many layers or numbers of targets.
const GRADIENTS: usize = 4;
/// Estimates of memory that are remembered.
const ESTIMATES: usize = 256;
/// Formulas that stay loaded.
const FORMULAS: usize = 32;

/// The sessions that explanations of one classifier run.
pub(crate) struct Sessions {
    gradients: Cache<GradientKey, GradientSession>,
    formulas: Cache<(Method, (usize, usize, usize)), LoadedMethod>,
    overview: Cache<(), OverviewSession>,
    /// The bytes that passes take, which are estimated more often than sessions are loaded.
    passes_bytes: Cache<GradientKey, usize>,
    overview_bytes: Cache<(), usize>,
}

/// A layer, its grid, and the number of targets.
type GradientKey = (ValueId, Grid, usize);

impl Sessions {
    /// No session yet.
    pub(crate) fn new() -> Sessions {
        Sessions {
            gradients: Cache::new(GRADIENTS),
            formulas: Cache::new(FORMULAS),
            overview: Cache::new(1),
            passes_bytes: Cache::new(ESTIMATES),
            overview_bytes: Cache::new(1),
        }
    }

    /// The session of the gradient at a layer (the input itself, or a value with this grid) for so many
    /// targets, several of which it takes at once.
    ///
    /// # Errors
    /// As [`GradientSession::new`].
    pub(crate) fn gradient(
        &self,
        network: &Network,
        layer: ValueId,
        grid: Grid,
        targets: usize,
    ) -> Result<Arc<GradientSession>> {
        let targets = targets.min(TARGETS);
        let load = || GradientSession::new(network, layer, grid, targets);
        self.gradients.get((layer, grid, targets), load)
    }

    /// About the most bytes that a pass of the gradient at a layer takes, for so many targets.
    ///
    /// # Errors
    /// As [`Parts::write`].
    pub(crate) fn passes_bytes(
        &self,
        network: &Network,
        layer: ValueId,
        grid: Grid,
        targets: usize,
    ) -> Result<usize> {
        let estimate = || {
            let parts = Parts::write(network, layer, grid, targets.min(TARGETS))?;
            Result::Ok(parts.peak_bytes(targets))
        };
        self.passes_bytes.get((layer, grid, targets), estimate).map(|bytes| *bytes)
    }

    /// The session of a method's formula for layers of (K, h, w).
    ///
    /// # Errors
    /// If the engine cannot run it.
    pub(crate) fn formula(
        &self,
        network: &Network,
        method: Method,
        shape: (usize, usize, usize),
    ) -> Result<Arc<LoadedMethod>> {
        let load = || LoadedMethod::load(&*network.engine, method, shape);
        self.formulas.get((method, shape), load)
    }

    /// The session of the gradients at all layers at once.
    ///
    /// # Errors
    /// If the engine cannot run it.
    pub(crate) fn overview(&self, classifier: &Classifier) -> Result<Arc<OverviewSession>> {
        self.overview.get((), || OverviewSession::new(classifier))
    }

    /// About the most bytes that a run of the gradients at all layers takes.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn overview_bytes(&self, classifier: &Classifier) -> Result<usize> {
        self.overview_bytes.get((), || OverviewSession::bytes(classifier)).map(|bytes| *bytes)
    }
}
