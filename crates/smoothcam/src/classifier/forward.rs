//! Runs the bare classifier: its scores, without a gradient.

use ndarray::{Array1, Array4, Axis};

use crate::array::Array;
use crate::classifier::network::Network;
use crate::engine::{Runs, Session};
use crate::{Error, Result};

/// A classifier's graph with the scores as its only output, ready to be run.
pub(crate) struct Forward {
    session: Box<dyn Session>,
    input: String,
    score: String,
    shape: [usize; 4],
}

impl Forward {
    /// Loads the graph.
    ///
    /// # Errors
    /// If the engine cannot run it.
    pub(crate) fn new(network: &Network) -> Result<Forward> {
        // The first graph is as the model's file has it; in the second, operators that engines lack are decomposed.
        let load = |graph: &onnx_grad::Graph| {
            let mut graph = graph.clone();
            graph.set_outputs(&[network.score]);
            network.engine.load(&graph, Runs::Often)
        };
        Ok(Forward {
            session: load(&network.plain).or_else(|_| load(&network.graph))?,
            input: network.name(network.input).to_owned(),
            score: network.name(network.score).to_owned(),
            shape: network.picture.shape(network.batch),
        })
    }

    /// The scores of a preprocessed picture. Where a run takes several pictures, the others are zeros.
    ///
    /// # Errors
    /// If the engine fails.
    pub(crate) fn run(&self, picture: &Array4<f32>) -> Result<Array1<f32>> {
        let mut pictures = Array4::zeros(self.shape);
        pictures.index_axis_mut(Axis(0), 0).assign(&picture.index_axis(Axis(0), 0));
        let pictures = pictures.into_dyn();
        let outputs = self.session.run(&[(&self.input, pictures.view())], &[&self.score])?;
        match outputs.into_iter().next() {
            Some(Array::Floats(scores)) => {
                let classes = scores.len() / self.shape[0];
                Ok(scores.into_iter().take(classes).collect())
            }
            _ => Err(Error::failure("the engine lost an output")),
        }
    }
}
