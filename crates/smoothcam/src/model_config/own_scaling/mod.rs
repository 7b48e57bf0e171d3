//! The arithmetic that a model begins with shows the range of values that it takes.
//!
//! Many classifiers scale their input themselves: by Keras' `Rescaling` and `Normalization`, by a `transforms.Normalize`
//! that was exported with them, by the quantisation of an input of bytes.

mod affine;
mod constants;
mod expected;

use std::collections::HashMap;

use onnx_grad::{DType, Graph, Node, ValueId};

use super::input_shape::InputShape;
use super::resolve::rounded;
use super::source::{PartialPreprocess, Source};
use crate::input::preprocess::Layout;
use affine::{Plane, Planes};
use constants::constant;
use expected::Expected;

/// The source's name.
const NAME: &str = "the model scales its input itself";

/// What a model's first operators say of its input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OwnScaling {
    /// The scaling of the picture that the model needs.
    pub(crate) source: Option<Source>,
    /// What they leave open, as a sentence.
    pub(crate) note: Option<String>,
}

/// What the first operators of a graph with an input of these dimensions say, `None` standing for one that is open;
/// nothing if another source has scale, mean or deviation.
pub(crate) fn own_scaling(
    graph: &Graph,
    input: ValueId,
    dims: &[Option<u64>],
    sources: &[Source],
) -> OwnScaling {
    let settings = || sources.iter().map(|source| &source.settings);
    if settings().any(|s| s.scale.is_some() || s.mean.is_some() || s.std.is_some()) {
        return OwnScaling::default();
    }
    let Some(start) = Start::of(graph, input, dims) else { return OwnScaling::default() };
    let expected = match graph.value(input).dtype {
        // Bytes are the picture's own values, signed ones with 0 in the middle.
        Some(DType::U8) => Some(Expected::bytes()),
        Some(DType::I8) => Some(Expected::signed_bytes()),
        _ => None,
    };
    let by_graph = start.expected();
    let open = expected.is_none() && by_graph.is_none() && start.computes();
    let channels = by_graph.as_ref().and_then(|e| e.channels);
    let ordered = channels.is_some() || settings().any(|s| s.channels.is_some());
    let source = expected.or(by_graph).map(|e| Source {
        name: NAME.into(),
        settings: PartialPreprocess {
            channels,
            scale: Some(e.scale),
            mean: Some(e.mean),
            std: Some(e.std),
            ..PartialPreprocess::default()
        },
        ..Source::default()
    });
    let note = if open {
        Some(start.unknown_arithmetic())
    } else if start.reverses() && !ordered {
        Some(REVERSES.to_owned())
    } else {
        None
    };
    OwnScaling { source, note }
}

/// The note on an order that is not known.
const REVERSES: &str = "the model reverses the order of its input's channels, and nothing says whether it takes rgb or \
                        bgr; assumed is rgb";

/// What a graph does with its input before anything mixes its values.
struct Start {
    /// The value that is mixed.
    planes: Vec<Plane>,
    /// How many channels the input has.
    channels: usize,
    /// The lowest and the highest input that the first quantisation keeps apart.
    range: Option<(f64, f64)>,
    /// Each channel of the input, its mean and deviation, if a batch normalisation comes first.
    statistics: Option<Vec<(usize, f64, f64)>>,
}

impl Start {
    /// Follows the input, in the order of execution, through arithmetic with constants and whatever only moves values
    /// (also channel by channel), to the first operator that mixes them or knows their statistics.
    fn of(graph: &Graph, input: ValueId, dims: &[Option<u64>]) -> Option<Self> {
        let shape = InputShape::from_dims(dims).ok()?;
        let channels = shape.channels.map_or(3, |channels| channels.count());
        let rank = if dims.is_empty() { 4 } else { dims.len() };
        let axis = if shape.layout == Some(Layout::Nhwc) { rank - 1 } else { rank - 3 };
        let mut last = Planes::of_input(rank, axis, channels);
        let mut carried = HashMap::from([(input, last.clone())]);
        let (mut range, mut statistics) = (None, None);
        for (_, node) in graph.nodes() {
            let first = node.inputs.iter().flatten().find_map(|i| carried.get(i));
            let Some(at) = first.filter(|_| !matches!(node.op.as_str(), "Shape" | "Size")) else {
                continue;
            };
            let at = at.clone();
            match node.op.as_str() {
                "BatchNormalization" => statistics = normalized_by(graph, node, &at.all),
                "QuantizeLinear" if range.is_none() => range = quantized(graph, node, &at.all),
                _ => {}
            }
            let Some(next) = Planes::after(graph, node, |i| carried.get(&i).cloned()) else {
                last = at;
                break;
            };
            last = next.last()?.clone();
            let outputs = node.outputs.iter().zip(next);
            carried.extend(outputs.filter_map(|(output, planes)| Some(((*output)?, planes))));
        }
        Some(Self { planes: last.all, channels, range, statistics })
    }

    /// The values that the input should have, by the evidence that there is.
    fn expected(&self) -> Option<Expected> {
        let colours = self.channels == 3;
        let arithmetic = || expected::from_arithmetic(&self.planes, colours);
        let statistics = || expected::from_statistics(self.statistics.as_ref()?, colours);
        let range = || self.range.and_then(|(low, high)| expected::from_range(low, high));
        let by_arithmetic = if self.computes() { arithmetic() } else { None };
        statistics().or(by_arithmetic).or_else(range)
    }

    /// Whether there is arithmetic that changes values.
    fn computes(&self) -> bool {
        self.planes.iter().any(|p| (p.factor - 1.0).abs() > 0.01 || p.offset.abs() > 0.01)
    }

    fn reverses(&self) -> bool {
        self.channels == 3 && self.planes.iter().map(|p| p.of).eq([2, 1, 0])
    }

    /// The note on arithmetic that fits nothing.
    fn unknown_arithmetic(&self) -> String {
        let formula = |p: &Plane| format!("{} x {:+}", rounded(p.factor), rounded(p.offset));
        let mut formulas: Vec<String> = self.planes.iter().take(3).map(formula).collect();
        formulas.dedup();
        format!(
            "the model begins with arithmetic on its input ({}), which does not say what values it takes",
            formulas.join("; ")
        )
    }
}

/// What a batch normalisation of planes says: the mean and deviation of the input that it was trained with.
fn normalized_by(graph: &Graph, node: &Node, planes: &[Plane]) -> Option<Vec<(usize, f64, f64)>> {
    let numbers = |input: usize| Some(constant(graph, node.input(input)?)?.0);
    let (means, variances) = (numbers(3)?, numbers(4)?);
    let each = planes.iter().zip(means).zip(variances).map(|((plane, mean), variance)| {
        (plane.of, plane.input_for(mean), variance.sqrt() / plane.factor.abs())
    });
    Some(each.collect())
}

/// What a quantisation of planes says: the range of the input that its steps cover.
fn quantized(graph: &Graph, node: &Node, planes: &[Plane]) -> Option<(f64, f64)> {
    let single = |input: usize| match constant(graph, node.input(input)?)?.0[..] {
        [one] => Some(one),
        _ => None,
    };
    let step = single(1)?;
    let (zero, least) = match node.input(2) {
        None => (0.0, 0.0),
        Some(zero) => match graph.value(zero).dtype {
            Some(DType::U8) => (single(2)?, 0.0),
            Some(DType::I8) => (single(2)?, -128.0),
            _ => return None,
        },
    };
    let ends = [least, least + 255.0].map(|level| (level - zero) * step);
    let inputs = || planes.iter().flat_map(|plane| ends.map(|end| plane.input_for(end)));
    Some((inputs().fold(f64::INFINITY, f64::min), inputs().fold(f64::NEG_INFINITY, f64::max)))
}

#[cfg(test)]
mod tests;
