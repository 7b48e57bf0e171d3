//! Writes the graph that computes the map: for one number of pictures, or for any.

use onnx_grad::{Graph, SourceModel, Tape, ValueId};

use super::evidence::{Class, Written};
use super::noised::Draws;
use super::pictures::Pictures;
use super::{Export, MAP, Resolution, map};
use crate::classifier::network::unsupported;
use crate::explain::request::Asked;
use crate::explainer::Explainer;
use crate::{Error, Result};

/// What a number of pictures that is free is called, where the source has no name for it.
const ANY: &str = "N";
/// The most memory that the noised copies of a picture may take at once.
const MOST_BYTES: usize = 1 << 30;

fn one_by_one(pictures: usize) -> String {
    format!(
        "the model mixes the pictures of a batch, or is fixed to its size: the exported model takes \
         {pictures} at once"
    )
}

/// What is computed besides the classifier.
pub(super) struct Saliency {
    pub(super) graph: Graph,
    /// The inputs that were added.
    pub(super) added: Vec<ValueId>,
    pub(super) note: Option<String>,
}

impl Explainer {
    /// The graph that computes the map, with what it adds to the classifier's.
    pub(super) fn saliency(
        &self,
        export: &Export,
        asked: &Asked,
        source: &SourceModel,
    ) -> Result<Saliency> {
        let name = self.net.name(self.net.input);
        let dims = source.input_dims(name).unwrap_or_default();
        let free = match dims.first() {
            Some(onnx_grad::Dim::Dynamic(name)) if name.is_empty() => Some(ANY.to_owned()),
            Some(onnx_grad::Dim::Dynamic(name)) => Some(name.clone()),
            Some(onnx_grad::Dim::Fixed(_)) => None,
            None => Some(ANY.to_owned()),
        };
        let pictures = Pictures::of(&self.net)?;
        let write =
            |batch: usize, at_once: usize| self.write(export, asked, &pictures, batch, at_once);
        let own = self.net.batch;
        let at_once = self.at_once(asked, &pictures, &|at_once| write(own, at_once))?;
        let batch = match (export.batch, &free) {
            (Some(batch), None) if batch != own => {
                return Err(Error::input(format!(
                    "the model takes {own} pictures at once, and no other number"
                ))
                .with_hint("export it from its framework with a free batch size"));
            }
            (Some(batch), _) if batch != own && !pictures.any() => {
                return Err(Error::input(format!(
                    "the model mixes the pictures of a batch: {batch} at once would not be explained \
                     as they are one by one"
                ))
                .with_hint("leave out --batch"));
            }
            (batch, _) => batch,
        };
        let (written, note) = match (batch, free) {
            (Some(batch), _) => (write(batch, at_once)?, None),
            (None, None) => (write(own, at_once)?, None),
            (None, Some(name)) => {
                let any = match pictures.any() {
                    true => {
                        let (two, three) = (write(2, at_once)?, write(3, at_once)?);
                        let any = Graph::with_any_batch_size(
                            &two.graph,
                            &three.graph,
                            self.net.input,
                            &name,
                        );
                        any.ok().map(|graph| Written { graph, ..two })
                    }
                    false => None,
                };
                match any {
                    Some(any) => (any, None),
                    None => (write(own, at_once)?, Some(one_by_one(own))),
                }
            }
        };
        Ok(Saliency { graph: written.graph, added: written.added, note })
    }

    /// How many noised copies of a picture go through the network at once: all, if they do not take
    /// too much memory.
    fn at_once(
        &self,
        asked: &Asked,
        pictures: &Pictures<'_>,
        write: &dyn Fn(usize) -> Result<Written>,
    ) -> Result<usize> {
        let samples = asked.plan.most;
        if samples < 2 || !pictures.any() {
            return Ok(1);
        }
        for at_once in (2..=samples).rev().filter(|n| samples.is_multiple_of(*n)) {
            if write(at_once)?.graph.peak_bytes() <= MOST_BYTES {
                return Ok(at_once);
            }
        }
        Ok(1)
    }

    /// The graph for `batch` pictures.
    fn write(
        &self,
        export: &Export,
        asked: &Asked,
        pictures: &Pictures<'_>,
        batch: usize,
        at_once: usize,
    ) -> Result<Written> {
        let tape = Tape::new(pictures.graph(batch)?);
        let class = match (export.class_input, asked.named.first()) {
            (true, _) => Class::Input,
            (false, Some(class)) => Class::Fixed(*class),
            (false, None) => Class::Predicted,
        };
        let draws = Draws { source: export.noise, at_once, settings: &export.settings };
        let evidence = self.evidence(&tape, asked, pictures, batch, class, &draws)?;
        let size = match export.resolution {
            Resolution::Layer => None,
            Resolution::Input => Some((self.net.picture.height, self.net.picture.width)),
        };
        let map = map::write(&evidence, export, size);
        let (map, added) = (map.id(), evidence.added.clone());
        drop(evidence);
        let mut graph = tape.into_graph().map_err(unsupported)?;
        graph.set_outputs(&[map]);
        graph.rename(map, MAP);
        graph.drop_unused_inputs();
        Ok(Written { graph, added })
    }
}
