//! Writes a classifier's graph for any number of pictures at once.

use onnx_grad::{Graph, ValueId};

use crate::classifier::network::Network;
use crate::classifier::shapes::learn;
use crate::error::unsupported;
use crate::gradient::batches::same_scores;
use crate::{Error, Result};

/// A network for other numbers of pictures than its own.
pub(super) struct Pictures<'n> {
    network: &'n Network,
    /// The other inputs that have a value for each picture.
    pub(super) beside: Vec<ValueId>,
    /// With two pictures and with three, where both are classified as each alone.
    instances: Option<[Graph; 2]>,
}

impl<'n> Pictures<'n> {
    /// Learns the shapes of the network with two and three pictures, if it takes as many and does
    /// with them what it does with each. The inputs `beside` the picture have a value for each.
    pub(super) fn of(network: &'n Network, beside: Vec<ValueId>) -> Result<Pictures<'n>> {
        let instance = |count: usize| {
            let mut graph = network.plain.clone();
            if !beside.iter().all(|input| graph.repeat_example(*input, count)) {
                return None;
            }
            let shape = network.picture.shape(count);
            learn(&mut graph, &*network.engine, network.memory, network.input, &shape).ok()?;
            Some(graph)
        };
        let instances = || {
            let (two, three) = (instance(2)?, instance(3)?);
            let one = Graph::with_batch_size(&two, &three, 1)?.decompose().ok()?;
            let many = three.clone().decompose().ok()?;
            let same = same_scores(network, &one, &many, network.input, &network.picture.shape(3));
            same.then_some([two, three])
        };
        let instances = if network.batch == 1 { instances() } else { None };
        Ok(Pictures { network, beside, instances })
    }

    /// Whether it takes any number of pictures.
    pub(super) fn any(&self) -> bool {
        self.instances.is_some()
    }

    /// The network's graph for so many pictures.
    ///
    /// # Errors
    /// If it does not take as many.
    pub(super) fn graph(&self, count: usize) -> Result<Graph> {
        if count == self.network.batch {
            return Ok(self.network.graph.clone());
        }
        let fixed = || Error::failure(format!("the model does not take {count} pictures at once"));
        let [two, three] = self.instances.as_ref().ok_or_else(fixed)?;
        let graph = Graph::with_batch_size(two, three, count).ok_or_else(fixed)?;
        graph.decompose().map_err(unsupported)
    }
}
