//! Computes Grad-CAM's map at all layers from one run of the model.

use ndarray::{Array2, Array4, ArrayD, Axis, Ix2};
use onnx_grad::{Graph, Tape, ValueId, vjp};

use crate::array::{Array, finite};
use crate::classifier::Classifier;
use crate::classifier::layers::Layer;
use crate::classifier::network::Network;
use crate::engine::{Runs, Session};
use crate::error::unsupported;
use crate::map::normalized::normalized;
use crate::target::Target;
use crate::{Error, Result};

/// Grad-CAM's maps at all feature layers.
pub struct Overview {
    /// The class that is explained.
    pub class: usize,
    /// The layers with their maps, in the order in which they are computed.
    pub layers: Vec<LayerMap>,
}

/// A layer with Grad-CAM's map there.
pub struct LayerMap {
    /// The layer.
    pub layer: Layer,
    /// The map (h, w), its maximum 1; zeros where there is no positive evidence.
    pub map: Array2<f32>,
}

/// The classifier with the gradients at all its feature layers at once, ready to run.
pub(crate) struct OverviewSession {
    session: Box<dyn Session>,
    layers: Vec<Layer>,
    /// Names: of the picture, of what says which score is differentiated, of the maps.
    input: String,
    seed: String,
    outputs: Vec<String>,
    shape: [usize; 4],
    scores: Vec<usize>,
}

impl OverviewSession {
    /// Loads the gradients at all layers that are worth explaining.
    ///
    /// # Errors
    /// If the engine cannot run them.
    pub(crate) fn new(classifier: &Classifier) -> Result<OverviewSession> {
        let network = &classifier.network;
        let layers = worth_explaining(classifier);
        let (graph, seed, outputs) = graph(network, &layers)?;
        Ok(OverviewSession {
            session: network.engine.load(&graph, Runs::Once)?,
            layers,
            input: network.name(network.input).to_owned(),
            seed: graph.value(seed).name.clone(),
            outputs: outputs.iter().map(|o| graph.value(*o).name.clone()).collect(),
            shape: network.picture.shape(network.batch),
            scores: graph.shape(network.score).unwrap_or_default().to_vec(),
        })
    }

    /// About the most bytes that it takes to run it.
    ///
    /// # Errors
    /// If the gradients cannot be written.
    pub(crate) fn bytes(classifier: &Classifier) -> Result<usize> {
        graph(&classifier.network, &worth_explaining(classifier)).map(|(g, ..)| g.peak_bytes())
    }

    /// The maps of a target for a picture; the other pictures of a run are zero.
    ///
    /// # Errors
    /// If the engine fails, or a map is not finite.
    pub(crate) fn run(&self, picture: &Array4<f32>, target: Target) -> Result<Vec<LayerMap>> {
        let mut pictures = Array4::zeros(self.shape);
        pictures.index_axis_mut(Axis(0), 0).assign(&picture.index_axis(Axis(0), 0));
        let pictures = pictures.into_dyn();
        let mut seed = ArrayD::<f32>::zeros(self.scores.as_slice());
        for (element, weight) in target.weights().into_iter().flatten() {
            if let Some(seed) = seed.iter_mut().nth(element) {
                *seed = weight;
            }
        }
        let inputs = [(self.input.as_str(), pictures.view()), (self.seed.as_str(), seed.view())];
        let outputs: Vec<&str> = self.outputs.iter().map(String::as_str).collect();
        let maps = self.session.run(&inputs, &outputs)?;
        let layer_map = |(layer, map): (&Layer, Array)| {
            let lost = || Error::failure("the engine lost an output");
            let Array::Floats(map) = map else { return Err(lost()) };
            let map = map.index_axis_move(Axis(0), 0).index_axis_move(Axis(0), 0);
            let map = map.into_dimensionality::<Ix2>().map_err(|_| lost())?;
            if !finite(map.view().into_dyn()) {
                return Err(Error::input(format!(
                    "the map at layer '{}' holds values that are not finite",
                    layer.name
                )));
            }
            Ok(LayerMap { layer: layer.clone(), map: normalized(&map.mapv(|x| x.max(0.0))) })
        };
        self.layers.iter().zip(maps).map(layer_map).collect()
    }
}

/// The feature layers that the gradient reaches.
fn worth_explaining(classifier: &Classifier) -> Vec<Layer> {
    let layers = classifier.layers.all().iter();
    layers.filter(|l| l.feature && l.noise_acts.is_ok()).cloned().collect()
}

/// The classifier's graph, continued by Grad-CAM's maps at these layers, its only outputs; the input that says which score
/// is differentiated; and the maps.
fn graph(network: &Network, layers: &[Layer]) -> Result<(Graph, ValueId, Vec<ValueId>)> {
    let tape = Tape::new(network.graph.clone());
    let score = tape.var(network.score);
    let seed = tape.input("seed", &score.shape());
    let values: Vec<_> = layers.iter().map(|l| l.value).collect();
    let mut outputs = Vec::new();
    for (layer, gradient) in layers.iter().zip(vjp(&tape, score, seed, &values)) {
        let gradient = gradient.map_err(unsupported)?.ok_or_else(|| {
            Error::failure("the gradient at a layer was there, and is not any more")
        })?;
        let grid = layer.grid();
        let [a, g] = [tape.var(layer.value), gradient].map(|x| grid.view(x));
        // Sums in place of means: the map is normalised.
        outputs.push((g.sum(&[2, 3]) * a).sum(&[1]).id());
    }
    let seed = seed.id();
    let mut graph = tape.into_graph().map_err(unsupported)?;
    graph.set_outputs(&outputs);
    Ok((graph, seed, outputs))
}

#[cfg(test)]
mod tests {
    use crate::{Explainer, Limits, Picture, Settings, TargetSpec};

    #[test]
    fn an_overview_is_grad_cam_at_each_layer() {
        let explainer = Explainer::builder().build().unwrap();
        let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
        let cat = Picture::open(cat, &Limits::default()).unwrap();
        let study = explainer.study(&cat).unwrap();
        let overview = study.overview(&TargetSpec::class(281)).unwrap();
        assert_eq!(overview.class, 281);
        let layers = overview.layers;
        assert!(layers.len() > 10);
        for at in layers.iter().step_by(5).chain(layers.last()) {
            let settings = Settings {
                method: "grad-cam".parse().unwrap(),
                layer: Some(at.layer.name.clone()),
                targets: vec![TargetSpec::class(281)],
                ..Settings::default()
            };
            let map = study.explain(&settings, &mut |_, _| {}).unwrap().targets[0].normalized();
            let off = (&map - &at.map).iter().fold(0.0f32, |m, x| m.max(x.abs()));
            // Far below, a gradient passes many masks; ties fall this way or that, as engines round.
            assert!(off < 5e-3, "{}: {off}", at.layer.name);
        }
        assert!(study.overview(&TargetSpec::class(1000)).is_err());
    }
}
