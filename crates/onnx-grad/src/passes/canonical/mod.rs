//! Levels what differs between opsets and element types, so that the rest of the crate knows one
//! form of each operator: that of opset 21, in float32.

use crate::error::{Error, Result};
use crate::graph::{Attribute, Graph, Node};
use crate::level::parts::{Parts, Rewrite};
use crate::tensor::Tensor;

/// The opset whose forms all graphs are levelled to.
pub(crate) const LEVEL: i64 = 21;
/// The oldest opset that is read: before it, broadcasting was another.
const OLDEST: i64 = 7;
/// The newest opset whose changes are known.
const NEWEST: i64 = 25;

mod all_axes;
mod blocks;
mod contrib;
mod conv;
mod elements;
mod parts;
mod portable;
mod quantised;
mod rewritten;
mod roi_align;

pub(crate) use elements::{dtype, elements};
pub(crate) use quantised::OPEN;

type Level = fn(&mut Graph, usize) -> Result<()>;

/// Operators whose form changed: name, the first opset with the new form, and the change.
const CHANGES: &[(&str, i64, Level)] = &[
    ("BatchNormalization", 14, batch_normalization),
    ("Clip", 11, |g, n| attributes_to_inputs(g, n, &["min", "max"])),
    ("Dropout", 12, |g, n| attributes_to_inputs(g, n, &["ratio"])),
    ("GridSample", 20, grid_sample),
    ("Hardmax", 13, softmax),
    ("LogSoftmax", 13, softmax),
    ("Pad", 11, |g, n| attributes_to_inputs(g, n, &["pads", "value"])),
    ("ReduceL1", 18, axes_to_input),
    ("ReduceL2", 18, axes_to_input),
    ("ReduceLogSum", 18, axes_to_input),
    ("ReduceLogSumExp", 18, axes_to_input),
    ("ReduceMax", 18, axes_to_input),
    ("ReduceMean", 18, axes_to_input),
    ("ReduceMin", 18, axes_to_input),
    ("ReduceProd", 18, axes_to_input),
    ("ReduceSum", 13, axes_to_input),
    ("ReduceSumSquare", 18, axes_to_input),
    ("Resize", 11, resize_10),
    ("RoiAlign", 16, |g, n| {
        let mode = Attribute::String("output_half_pixel".into());
        g.nodes[n].set_attribute("coordinate_transformation_mode", mode);
        Ok(())
    }),
    ("Scatter", 11, |g, n| {
        g.nodes[n].op = "ScatterElements".into();
        Ok(())
    }),
    ("Slice", 10, |g, n| attributes_to_inputs(g, n, &["starts", "ends", "axes"])),
    ("Softmax", 13, softmax),
    ("Split", 13, |g, n| attributes_to_inputs(g, n, &["split"])),
    ("Split", 18, parts_of_split),
    ("Squeeze", 13, axes_to_input),
    ("TopK", 10, |g, n| attributes_to_inputs(g, n, &["k"])),
    ("Unsqueeze", 13, axes_to_input),
    ("Upsample", 10, upsample),
];

/// Levels all nodes of a graph that was read from a file.
pub(crate) fn level(graph: &mut Graph) -> Result<()> {
    let version = graph.opsets.iter().find(|(d, _)| d.is_empty()).map_or(1, |(_, v)| *v);
    if !(OLDEST..=NEWEST).contains(&version) {
        return Err(Error::Invalid(format!(
            "the model is of ONNX opset {version}; supported are {OLDEST} to {NEWEST} \
             (onnx.version_converter.convert_version converts it)"
        )));
    }
    for n in 0..graph.nodes.len() {
        if !graph.nodes[n].domain.is_empty() {
            continue;
        }
        level_element_type(&mut graph.nodes[n]);
        raise(graph, n, version)?;
    }
    graph.opsets.retain(|(d, _)| !d.is_empty());
    graph.opsets.insert(0, (String::new(), version.max(LEVEL)));
    portable::leave_out_unread(graph);
    rewrite(graph)?;
    quantised::merge(graph);
    quantised::carry(graph)?;
    quantised::leave_scores_open(graph);
    portable::rewrite(graph)?;
    portable::mark_indices(graph);
    Ok(())
}

/// Brings a node, in the form of this opset, into that of [`LEVEL`].
pub(crate) fn raise(graph: &mut Graph, n: usize, version: i64) -> Result<()> {
    let op = graph.nodes[n].op.clone();
    for (name, since, change) in CHANGES {
        if *name == op && version < *since {
            change(graph, n)?;
        }
    }
    Ok(())
}

/// The operators that the rest of the crate never sees: they are written as others.
fn rewrites() -> impl Iterator<Item = &'static Rewrite> {
    const OTHERS: &[Rewrite] = &[
        ("RoiAlign", roi_align::roi_align),
        ("SpaceToDepth", rewritten::space_to_depth),
        ("com.microsoft.MatMulNBits", blocks::matmul),
    ];
    OTHERS.iter().chain(contrib::REWRITES).chain(quantised::REWRITES)
}

/// Their names.
pub(crate) fn rewritten() -> impl Iterator<Item = &'static str> {
    rewrites().map(|(op, _)| *op)
}

/// Whether an operator on quantised numbers is written as one on floats, which rounds elsewhere.
pub(crate) fn is_requantised(op: &str) -> bool {
    quantised::REWRITES.iter().any(|(name, _)| *name == op)
}

fn rewrite(graph: &mut Graph) -> Result<()> {
    for n in 0..graph.nodes.len() {
        let op = graph.nodes[n].qualified_op();
        if let Some((_, rewrite)) = rewrites().find(|(name, _)| *name == op) {
            rewrite(Parts::of(graph, n))?;
        }
    }
    Ok(())
}

/// Whether an operator has the same form in these two opsets.
pub(crate) fn same_form(op: &str, one: i64, other: i64) -> bool {
    let between = |since: i64| one.min(other) < since && since <= one.max(other);
    !CHANGES.iter().any(|(name, since, _)| *name == op && between(*since))
}

/// `Cast` and the generators name an element type: half and double become float32 there too.
fn level_element_type(node: &mut Node) {
    for name in ["to", "dtype"] {
        if let Some(Attribute::Int(i)) = node.attribute(name)
            && let Some(dtype) = i32::try_from(*i).ok().and_then(dtype)
        {
            node.set_attribute(name, Attribute::Int(dtype as i64));
        }
    }
}

/// Moves attributes to the inputs from the second on, in this order.
fn attributes_to_inputs(graph: &mut Graph, n: usize, names: &[&str]) -> Result<()> {
    for (i, name) in names.iter().enumerate() {
        let Some(attribute) = graph.nodes[n].take_attribute(name) else { continue };
        let tensor = match attribute {
            Attribute::Ints(v) => Some(Tensor::from_i64s(&v)),
            Attribute::Int(v) => Some(Tensor::from_i64s(&[v])),
            Attribute::Float(v) => Some(Tensor::scalar(v)),
            Attribute::Floats(v) => Tensor::from_f32s(&[v.len()], &v),
            _ => None,
        };
        let tensor = tensor.ok_or_else(|| {
            graph.nodes[n]
                .unsupported(format!("attribute '{name}' is no number or list of numbers"))
        })?;
        let label = format!("{}/{name}", graph.nodes[n].name);
        let id = graph.add_initializer(&label, tensor);
        let inputs = &mut graph.nodes[n].inputs;
        if inputs.len() < i + 2 {
            inputs.resize(i + 2, None);
        }
        inputs[i + 1] = Some(id);
    }
    Ok(())
}

fn axes_to_input(graph: &mut Graph, n: usize) -> Result<()> {
    attributes_to_inputs(graph, n, &["axes"])
}

/// Before opset 13 these worked on the input flattened to a matrix at `axis`, 1 by default.
/// That is the same as the later form only where `axis` is the last.
fn softmax(graph: &mut Graph, n: usize) -> Result<()> {
    let axis = match graph.nodes[n].attribute("axis") {
        Some(Attribute::Int(axis)) => *axis,
        _ => 1,
    };
    if axis == -1 {
        return Ok(());
    }
    // Flatten to a matrix, apply along its last axis, restore the shape.
    let mut parts = Parts::of(graph, n);
    let (op, x) = (parts.node.op.clone(), parts.x(0)?);
    let flat = parts.op("Flatten", &[x], &parts::axis(axis));
    let soft = parts.op(&op, &[flat], &parts::axis(-1));
    let shape = parts.op("Shape", &[x], &[]);
    parts.last("Reshape", &[soft, shape], &[]);
    Ok(())
}

/// The outputs after the first, and `spatial`, belonged to training or to other forms of it.
fn batch_normalization(graph: &mut Graph, n: usize) -> Result<()> {
    let node = &mut graph.nodes[n];
    if node.take_attribute("spatial").is_some_and(|a| a != Attribute::Int(1)) {
        return Err(node.unsupported("spatial = 0 is not supported"));
    }
    node.outputs.truncate(1);
    Ok(())
}

fn grid_sample(graph: &mut Graph, n: usize) -> Result<()> {
    let node = &mut graph.nodes[n];
    let mode = match node.attribute("mode") {
        Some(Attribute::String(m)) if m == "nearest" => "nearest",
        Some(Attribute::String(m)) if m == "bicubic" => "cubic",
        _ => "linear",
    };
    node.set_attribute("mode", Attribute::String(mode.into()));
    Ok(())
}

/// From opset 18 on, a split into equal parts says how many there are.
fn parts_of_split(graph: &mut Graph, n: usize) -> Result<()> {
    let node = &mut graph.nodes[n];
    if node.inputs.get(1).is_none_or(Option::is_none) {
        node.set_attribute("num_outputs", Attribute::Int(node.outputs.len() as i64));
    }
    Ok(())
}

/// Opset 10's Resize: scales only, asymmetric coordinates, nearest rounding down.
fn resize_10(graph: &mut Graph, n: usize) -> Result<()> {
    let node = &mut graph.nodes[n];
    if node.inputs.len() == 2 {
        node.inputs.insert(1, None);
    }
    let set =
        |node: &mut Node, k: &str, v: &str| node.set_attribute(k, Attribute::String(v.into()));
    set(node, "coordinate_transformation_mode", "asymmetric");
    set(node, "nearest_mode", "floor");
    if matches!(node.attribute("mode"), Some(Attribute::String(m)) if m == "bilinear") {
        set(node, "mode", "linear");
    }
    Ok(())
}

fn upsample(graph: &mut Graph, n: usize) -> Result<()> {
    attributes_to_inputs(graph, n, &["scales"])?;
    graph.nodes[n].op = "Resize".into();
    resize_10(graph, n)
}

#[cfg(test)]
mod tests;
