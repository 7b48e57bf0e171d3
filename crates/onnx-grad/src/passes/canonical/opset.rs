//! Brings operators from the form of older opsets into that of opset 21.

use super::rewriter::{Rewriter, axis};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Graph, Node};
use crate::tensor::Tensor;

/// The oldest opset that is read: before it, operators broadcast in another way.
const OLDEST: i64 = 7;
/// The newest opset whose changes are known.
const NEWEST: i64 = 28;

/// Brings a node, given by its index, from the old form of its operator into the new one.
type Change = fn(&mut Graph, usize) -> Result<()>;

/// The operators whose form changed: the name, the first opset with the new form, and the change.
const CHANGES: &[(&str, i64, Change)] = &[
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
    ("Resize", 11, resize_of_opset_10),
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
    ("Split", 18, number_of_parts),
    ("Squeeze", 13, axes_to_input),
    ("TopK", 10, |g, n| attributes_to_inputs(g, n, &["k"])),
    ("Unsqueeze", 13, axes_to_input),
    ("Upsample", 10, upsample),
];

/// The newest opset whose operators engines have. Those of later ones are written in others, or
/// have an older form that does the same.
pub(super) const RUNNABLE: i64 = 25;

/// Checks that the changes since this opset are known.
///
/// # Errors
/// If the opset is older or newer than those that are supported.
pub(super) fn check(opset: i64) -> Result<()> {
    if (OLDEST..=NEWEST).contains(&opset) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the model has ONNX opset {opset}, expected {OLDEST} to {NEWEST} \
         (onnx.version_converter.convert_version converts it)"
    )))
}

/// Brings a node, given by its index, from the form of this opset into that of opset 21.
///
/// # Errors
/// If the node has options for which the later form has no equivalent.
pub(crate) fn raise(graph: &mut Graph, n: usize, opset: i64) -> Result<()> {
    let op = graph.nodes[n].op.clone();
    for (name, since, change) in CHANGES {
        if *name == op && opset < *since {
            change(graph, n)?;
        }
    }
    Ok(())
}

/// Whether an operator has the same form in these two opsets.
pub(crate) fn same_form(op: &str, one: i64, other: i64) -> bool {
    let between = |since: i64| one.min(other) < since && since <= one.max(other);
    !CHANGES.iter().any(|(name, since, _)| *name == op && between(*since))
}

/// Turns attributes into inputs, from the second input on, in this order.
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
                .unsupported(format!("attribute '{name}' is not a number or a list of numbers"))
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

/// Turns the attribute `axes` into an input.
fn axes_to_input(graph: &mut Graph, n: usize) -> Result<()> {
    attributes_to_inputs(graph, n, &["axes"])
}

/// Before opset 13, softmax and the like worked along the rows of the input, flattened to a matrix
/// at `axis`, 1 by default. That is the same as the later form only if `axis` is the last.
fn softmax(graph: &mut Graph, n: usize) -> Result<()> {
    let along = match graph.nodes[n].attribute("axis") {
        Some(Attribute::Int(axis)) => *axis,
        _ => 1,
    };
    if along == -1 {
        return Ok(());
    }
    let mut rewriter = Rewriter::new(graph, n);
    let (op, x) = (rewriter.node.op.clone(), rewriter.x(0)?);
    let flat = rewriter.op("Flatten", &[x], &axis(along));
    let soft = rewriter.op(&op, &[flat], &axis(-1));
    let shape = rewriter.op("Shape", &[x], &[]);
    rewriter.replace("Reshape", &[soft, shape], &[]);
    Ok(())
}

/// Before opset 14, outputs after the first belonged to training, and before opset 9, the attribute
/// `spatial` said whether statistics are over maps (1) or over single elements (0).
fn batch_normalization(graph: &mut Graph, n: usize) -> Result<()> {
    let node = &mut graph.nodes[n];
    if node.take_attribute("spatial").is_some_and(|a| a != Attribute::Int(1)) {
        return Err(node.unsupported("spatial 0 is not supported"));
    }
    node.outputs.truncate(1);
    Ok(())
}

/// Before opset 20, the modes had other names.
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

/// Since opset 18, a split into equal parts has the attribute `num_outputs`.
fn number_of_parts(graph: &mut Graph, n: usize) -> Result<()> {
    let node = &mut graph.nodes[n];
    if node.inputs.get(1).is_none_or(Option::is_none) {
        node.set_attribute("num_outputs", Attribute::Int(node.outputs.len() as i64));
    }
    Ok(())
}

/// In opset 10, Resize has scales only and asymmetric coordinates. The standard does not say which
/// element is the nearest; ONNX Runtime rounds down along an axis that grows, and up along one that
/// shrinks.
fn resize_of_opset_10(graph: &mut Graph, n: usize) -> Result<()> {
    let node = &mut graph.nodes[n];
    if node.inputs.len() == 2 {
        node.inputs.insert(1, None);
    }
    let set =
        |node: &mut Node, k: &str, v: &str| node.set_attribute(k, Attribute::String(v.into()));
    let scales = node.input(2);
    let scales = scales.and_then(|s| graph.values[s.0].initializer.as_ref()?.to_f32s());
    let scales = scales.unwrap_or_default();
    let (shrinks, grows) = (scales.iter().any(|s| *s < 1.0), scales.iter().any(|s| *s > 1.0));
    set(node, "coordinate_transformation_mode", "asymmetric");
    set(node, "nearest_mode", if shrinks { "ceil" } else { "floor" });
    if matches!(node.attribute("mode"), Some(Attribute::String(m)) if m == "bilinear") {
        set(node, "mode", "linear");
    }
    let linear = matches!(node.attribute("mode"), Some(Attribute::String(m)) if m == "linear");
    if shrinks && grows && !linear {
        return Err(node.unsupported(
            "scales that shrink one axis and enlarge another are not supported before opset 11",
        ));
    }
    Ok(())
}

/// Before opset 10, Resize was called Upsample.
fn upsample(graph: &mut Graph, n: usize) -> Result<()> {
    attributes_to_inputs(graph, n, &["scales"])?;
    graph.nodes[n].op = "Resize".into();
    resize_of_opset_10(graph, n)
}
