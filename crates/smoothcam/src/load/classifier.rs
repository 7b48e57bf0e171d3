//! A classifier is loaded from its model file, the files beside it, and what the user says about it.

use super::imagenet;
use super::inputs::bind_all;
use super::randomize::randomize;
use super::spec::{Model, ModelSpec};
use crate::classifier::Classifier;
use crate::classifier::grid::{Axes, Grid};
use crate::classifier::inputs::{add_batch_axis, dims, picture_input};
use crate::classifier::labels::Labels;
use crate::classifier::meaning::Said;
use crate::classifier::network::{Network, Output};
use crate::classifier::outputs;
use crate::error::unsupported;
use crate::input::preprocess::{Layout, Preprocess};
use crate::model_config::{self, InputShape, Provenance, Scores, Source};
use crate::{Error, Hint, Note, Result, quoted};

/// Loads a classifier: reads it, runs it once to learn its shapes, and finds its layers.
///
/// # Errors
/// If the model cannot be read, is no classifier of pictures, or does not run.
pub(crate) fn load(spec: ModelSpec) -> Result<Classifier> {
    let file = spec.model.read()?;
    let config = spec.model.config()?;
    let mut sources = vec![Source { scores: spec.scores, ..Source::given(spec.preprocess) }];
    sources.extend(spec.labels.as_ref().map(model_config::labels_file).transpose()?);
    sources.extend(config);
    sources.extend(model_config::onnx_metadata(file.graph.metadata())?);
    sources.extend(model_config::class_list(&file.graph));

    let mut graph = file.graph;
    bind_all(&mut graph, &spec.inputs, spec.open_inputs)?;
    if let Some((share, seed)) = spec.randomized {
        randomize(&mut graph, share, seed);
    }
    let named: Vec<usize> =
        sources.iter().filter_map(|s| Some(s.labels.as_ref()?.labels.len())).collect();
    let output = outputs::choose(&graph, spec.output.as_deref(), &named)?;
    let input = picture_input(&graph)?;
    let unbatched = add_batch_axis(&mut graph, input)?;
    let dims = dims(&graph, input);
    let own = model_config::own_scaling(&graph, input, &dims, &sources);
    sources.extend(own.source);
    graph.accept_floats(input).map_err(unsupported)?;
    let (preprocess, mut provenance) =
        model_config::resolve(&sources, &InputShape::from_dims(&dims)?)?;
    let batch = dims.first().copied().flatten().unwrap_or(1);
    if !(1..=MOST_PICTURES).contains(&batch) {
        return Err(Error::input(format!(
            "the model takes {batch} pictures at once, expected 1 to {MOST_PICTURES}"
        ))
        .with_hint("export the model with a free batch size"));
    }
    let said = sources.iter().find_map(|s| Some((s.scores?, s)));
    let known = Output {
        value: output.value,
        said: said.map(|(scores, source)| Said { scores, by_user: source.is_given() }),
        two_names: named.contains(&2) && !named.contains(&1),
    };
    let network = Network::new(graph, &spec.engine, picture(&preprocess), batch as usize, &known)?;
    let network = Network { unbatched, ..network };
    if let Some(path) = &spec.labels {
        check_given_labels(&quoted(path), &sources, network.classes)?;
    }
    let (labels, of_labels) = model_config::choose_labels(&sources, network.classes);
    provenance.extend(of_labels);
    let by_values = network.by_values.then_some((Scores::Probabilities, "the output's values"));
    let said = said.map(|(scores, source)| (scores, source.name.as_str()));
    provenance.extend(said.or(by_values).map(|(scores, source)| Provenance {
        setting: "scores",
        value: scores.to_string(),
        source: source.to_owned(),
    }));
    let mut notes: Vec<Note> = output.note.into_iter().collect();
    let evident = output.telling || network.by_values || network.score != output.value;
    if labels.is_none() && said.is_none() && spec.output.is_none() && !evident {
        let name = network.name(output.value);
        notes.push(outputs::taken_for_scores(name, network.classes));
    }
    notes.extend(own.note.map(Note::new));
    let names = imagenet::with_ids(labels.cloned().unwrap_or_default())?;
    let scored = network.single_score.then_some(1);
    let labels = Labels::new(names, network.classes).with_scored(scored);
    let built_in = matches!(spec.model, Model::Bundled);
    Classifier::new(network, labels, preprocess, (provenance, notes), file.sha256, built_in)
}

/// Checks that the labels that the user gives, in the file of this name, are as many as the classes.
///
/// # Errors
/// If they are not.
fn check_given_labels(name: &str, sources: &[Source], classes: usize) -> Result<()> {
    let given = sources.iter().find(|source| source.name == name);
    match given.and_then(|source| source.labels.as_ref()).map(|names| names.labels.len()) {
        Some(named) if named != classes => Err(Error::input(format!(
            "the labels of {name} name {named} classes, but the model has {classes}"
        ))
        .with_hint(Hint::set("labels", "FILE", "give one for each class"))),
        _ => Ok(()),
    }
}

/// The most pictures that a model with a fixed batch size may take at once.
const MOST_PICTURES: u64 = 256;

/// The axes, channels and size of the model's input.
fn picture(preprocess: &Preprocess) -> Grid {
    let axes = match preprocess.layout {
        Layout::Nchw => Axes::ChannelsFirst,
        Layout::Nhwc => Axes::ChannelsLast,
    };
    let (height, width) = (preprocess.size.height as usize, preprocess.size.width as usize);
    Grid { axes, maps: preprocess.channels.count(), height, width }
}
