//! Writes the graph that computes the map: for one number of pictures, or for any.

use onnx_grad::{Dim, Graph, SourceModel, Tape, ValueId};

use super::context::Context;
use super::evidence::evidence;
use super::pictures::Pictures;
use super::settings::{Export, Resolution};
use super::{MAP, map};
use crate::classifier::Classifier;
use crate::classifier::inputs::names;
use crate::classifier::network::Network;
use crate::error::unsupported;
use crate::explain::request::Request;
use crate::{Error, Hint, Note, Result};

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

fn stay_open(inputs: &str, pictures: usize) -> String {
    format!(
        "inputs besides the picture stay open ({inputs}): the exported model takes a batch of {pictures}"
    )
}

/// The inputs besides the picture that stay open.
fn open_inputs(network: &Network) -> Vec<ValueId> {
    network.graph.values().filter(|(_, v)| v.example).map(|(id, _)| id).collect()
}

/// Those of the open inputs that have a value for each picture: the model calls their first dimension as it calls
/// that of the pictures.
fn of_each_picture(
    network: &Network,
    source: &SourceModel,
    open: &[ValueId],
    batch: Option<&Dim>,
) -> Vec<ValueId> {
    let Some(Dim::Dynamic(name)) = batch else { return Vec::new() };
    let same = |id: &&ValueId| {
        let dims = source.input_dims(network.name(**id)).unwrap_or_default();
        let one = network.graph.shape(**id).and_then(<[usize]>::first) == Some(&1);
        one && !name.is_empty() && dims.first() == Some(&Dim::Dynamic(name.clone()))
    };
    open.iter().filter(same).copied().collect()
}

/// A graph that computes the map, and the inputs that it has besides the picture.
struct Written {
    graph: Graph,
    added: Vec<ValueId>,
}

/// What is computed besides the classifier.
pub(super) struct Saliency {
    pub(super) graph: Graph,
    /// The inputs that were added.
    pub(super) added: Vec<ValueId>,
    pub(super) note: Option<Note>,
}

/// The graph that computes the map, with what it adds to the classifier's.
pub(super) fn saliency(
    classifier: &Classifier,
    request: &Request,
    export: &Export,
    source: &SourceModel,
) -> Result<Saliency> {
    let network = &classifier.network;
    let name = network.name(network.input);
    let dims = source.input_dims(name).unwrap_or_default();
    let open = open_inputs(network);
    let beside = of_each_picture(network, source, &open, dims.first());
    let open_names = names(&network.graph, &open);
    let free = match dims.first() {
        _ if network.unbatched.is_some() || beside.len() < open.len() => None,
        Some(Dim::Dynamic(name)) if name.is_empty() => Some(ANY.to_owned()),
        Some(Dim::Dynamic(name)) => Some(name.clone()),
        Some(Dim::Fixed(_)) => None,
        None => Some(ANY.to_owned()),
    };
    let pictures = Pictures::of(network, beside)?;
    let context = Context { classifier, request, export, pictures };
    let write = |batch: usize, at_once: usize| write(&context, batch, at_once);
    let any = context.pictures.any();
    let own = network.batch;
    let at_once = at_once(&context, &|at_once| write(own, at_once))?;
    let batch = match (export.batch, &free) {
        (Some(batch), None) if batch != own => {
            return Err(Error::input(format!(
                "the model takes {own} pictures at once, and no other number"
            ))
            .with_hint("export it from its framework with a free batch size"));
        }
        (Some(batch), _) if batch != own && !any => {
            return Err(Error::input(format!(
                "the model mixes the pictures of a batch: {batch} at once would not be explained \
                 as they are one by one"
            ))
            .with_hint(Hint::leave_out("batch")));
        }
        (batch, _) => batch,
    };
    let (written, note) = match (batch, free) {
        (Some(batch), _) => (write(batch, at_once)?, None),
        (None, None) => (
            write(own, at_once)?,
            (!open.is_empty()).then(|| Note::new(stay_open(&open_names, own))),
        ),
        (None, Some(name)) => {
            let any = if any {
                let (two, three) = (write(2, at_once)?, write(3, at_once)?);
                let any =
                    Graph::with_any_batch_size(&two.graph, &three.graph, network.input, &name);
                any.ok().map(|graph| Written { graph, ..two })
            } else {
                None
            };
            match any {
                Some(any) => (any, None),
                None => (write(own, at_once)?, Some(Note::new(one_by_one(own)))),
            }
        }
    };
    Ok(Saliency { graph: written.graph, added: written.added, note })
}

/// How many noised copies of a picture go through the network at once: all, if they do not take
/// too much memory.
fn at_once(context: &Context<'_>, write: &dyn Fn(usize) -> Result<Written>) -> Result<usize> {
    let samples = context.request.plan.most;
    if samples < 2 || !context.pictures.any() {
        return Ok(1);
    }
    for at_once in (2..=samples).rev().filter(|n| samples.is_multiple_of(*n)) {
        if write(at_once)?.graph.peak_bytes() <= MOST_BYTES {
            return Ok(at_once);
        }
    }
    Ok(1)
}

/// The graph for `batch` pictures, whose noised copies go through the network `at_once`.
fn write(context: &Context<'_>, batch: usize, at_once: usize) -> Result<Written> {
    let Context { classifier, export, pictures, .. } = context;
    let tape = Tape::new(pictures.graph(batch)?);
    let evidence = evidence(context, &tape, batch, at_once)?;
    let picture = classifier.network.picture;
    let size = match export.resolution {
        Resolution::Layer => None,
        Resolution::Input => Some((picture.height, picture.width)),
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
