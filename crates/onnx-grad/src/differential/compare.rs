//! Runs a case in all ways in which its values must be the same.

use std::fmt::Write as _;

use prost::Message;

use crate::error::{Error, Result};
use crate::files::proto::ModelProto;
use crate::graph::{Graph, ValueId};
use crate::tape::Tape;
use crate::tensor::Tensor;
use crate::testing::{Case, Engine, Optimised, infer_shapes_on};

/// What becomes of a case without a difference.
pub(super) enum Outcome {
    Same,
    /// ONNX Runtime does not run the node itself.
    Invalid(String),
    /// There is an error, on rten or on both engines.
    Refused(String),
}

/// How far two numbers may be apart: a number, and shares of the number itself and of the largest
/// finite number of the tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerance {
    pub(super) absolute: f64,
    pub(super) relative: f64,
    pub(super) of_largest: f64,
}

/// Compares the values and gradients of a case.
///
/// # Errors
/// The first difference.
pub(super) fn compare(case: &Case, tolerance: Tolerance) -> std::result::Result<Outcome, String> {
    let (original, inputs, _) = case.graph();
    let reference = reference(&original);
    let name = |id: &ValueId| original.value(*id).name.as_str();
    let at: Vec<(&str, &Tensor)> = inputs.iter().map(|(id, x)| (name(id), x)).collect();
    let outputs: Vec<_> = original.outputs().iter().map(name).collect();
    let expected = Engine::OnnxRuntime.run_model(reference, Optimised::No, &at, &outputs);
    let expected = match expected {
        Ok(expected) => expected,
        Err(e) => return Ok(Outcome::Invalid(e)),
    };
    let described = || format!("\n{}", description(&original, &inputs));
    let (mut gradients, mut refused) = (Vec::new(), None);
    for engine in [Engine::OnnxRuntime, Engine::Rten] {
        let prepared = match prepare(&original, &at, engine) {
            Ok(prepared) => prepared,
            // What ONNX Runtime runs must not become what it does not run.
            Err(Error::Invalid(e)) if e.starts_with("ONNX Runtime") => {
                return Err(format!("{e}{}", described()));
            }
            Err(e) => {
                refused = Some(format!("{engine:?}: {e}"));
                continue;
            }
        };
        let at = inputs_of(&prepared, &at);
        let found = match engine.run(&prepared, Optimised::Yes, &at) {
            Ok(found) => found,
            Err(e) if engine == Engine::Rten => {
                refused = Some(e);
                continue;
            }
            Err(e) => return Err(format!("{e}{}", described())),
        };
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            same(found, expected, tolerance)
                .map_err(|e| format!("output {i} in {engine:?}: {e}{}", described()))?;
        }
        if let Some(gradient) = gradient(&prepared, &at) {
            let at = at.into_iter().filter(|(id, _)| gradient.inputs().contains(id));
            let found = engine.run(&gradient, Optimised::Yes, &at.collect::<Vec<_>>());
            gradients.push(found.map_err(|e| format!("gradient: {e}{}", described()))?);
        }
    }
    if let [expected, found] = &gradients[..] {
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            same(found, expected, tolerance).map_err(|e| {
                format!("gradient {i} in rten, not ONNX Runtime: {e}{}", described())
            })?;
        }
    }
    Ok(refused.map_or(Outcome::Same, Outcome::Refused))
}

/// The case as a model of its own opset, which may be older than those that are written.
fn model(graph: &Graph) -> ModelProto {
    let mut model = ModelProto::decode(graph.to_onnx().as_slice()).expect("a model");
    for (import, (_, version)) in model.opset_import.iter_mut().zip(&graph.opsets) {
        import.version = *version;
    }
    model
}

/// The model without gaps after a node's last input, for which ONNX Runtime may crash.
fn reference(graph: &Graph) -> Vec<u8> {
    let mut model = model(graph);
    for node in model.graph.iter_mut().flat_map(|g| &mut g.node) {
        while node.input.last().is_some_and(String::is_empty) {
            node.input.pop();
        }
    }
    model.encode_to_vec()
}

/// The graph as smoothcam prepares it for an engine.
fn prepare(original: &Graph, inputs: &[(&str, &Tensor)], engine: Engine) -> Result<Graph> {
    let bytes = model(original).encode_to_vec();
    let mut graph = Graph::from_onnx(bytes.as_slice(), &mut |_| Err("there are no files".into()))?;
    for (id, x) in inputs_of(&graph, inputs) {
        graph.fix_input(id, x.shape());
    }
    infer_shapes_on(engine, &mut graph)?;
    graph.decompose()
}

/// The inputs of a graph by their ids.
fn inputs_of<'a>(graph: &Graph, inputs: &[(&str, &'a Tensor)]) -> Vec<(ValueId, &'a Tensor)> {
    inputs.iter().map(|(name, x)| (graph.find(name).expect("an input"), *x)).collect()
}

/// The graph of the gradients of the sum of all outputs, each element times a weight; `None` if no
/// input has one.
fn gradient(graph: &Graph, inputs: &[(ValueId, &Tensor)]) -> Option<Graph> {
    let tape = Tape::new(graph.clone());
    let wrt: Vec<ValueId> = inputs.iter().map(|(id, _)| *id).collect();
    let varying = graph.varying(&wrt);
    let mut score = None;
    for y in graph.outputs().iter().filter(|y| varying[y.0]) {
        let shape = graph.shape(*y)?.to_vec();
        let weights: Vec<f32> =
            (0..shape.iter().product()).map(|i: usize| (i % 7) as f32 * 0.5 - 1.25).collect();
        let term = tape.var(*y) * tape.constant(Tensor::from_f32s(&shape, &weights)?);
        let term = term.sum(&(0..shape.len()).collect::<Vec<_>>()).reshape(&[]);
        score = Some(score.map_or(term, |score| score + term));
    }
    let gradients = crate::vjp(&tape, score?, tape.scalar(1.0), &wrt).into_iter();
    // Two inputs may have the same cotangent, but a graph's outputs must differ.
    let gradients: Vec<ValueId> =
        gradients.filter_map(|g| Some(g.ok()??.unary("Identity").id())).collect();
    let mut graph = tape.into_graph().ok()?;
    graph.set_outputs(&gradients);
    graph.drop_unused_inputs();
    (!gradients.is_empty()).then_some(graph)
}

/// Compares elements by class, and finite ones within a tolerance.
fn same(
    found: &Tensor,
    expected: &Tensor,
    tolerance: Tolerance,
) -> std::result::Result<(), String> {
    if found.shape() != expected.shape() {
        return Err(format!("shape {:?}, expected {:?}", found.shape(), expected.shape()));
    }
    let (a, b) = (numbers(found), numbers(expected));
    let largest =
        b.iter().filter(|b| b.is_finite()).fold(0.0, |largest: f64, b| largest.max(b.abs()));
    let least = tolerance.absolute + tolerance.of_largest * largest;
    for (i, (a, b)) in a.iter().zip(&b).enumerate() {
        let near = (a - b).abs() <= least + tolerance.relative * b.abs();
        if !(a == b || a.is_nan() && b.is_nan() || near && b.is_finite()) {
            return Err(format!("{a} at {i}, expected {b}"));
        }
    }
    Ok(())
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    match (tensor.to_f32s(), tensor.to_i64s()) {
        (Some(floats), _) => floats.into_iter().map(f64::from).collect(),
        (_, ints) => ints.unwrap_or_default().into_iter().map(|i| i as f64).collect(),
    }
}

/// The node of a case with its attributes and the elements of its inputs.
fn description(graph: &Graph, inputs: &[(ValueId, Tensor)]) -> String {
    let node = &graph.nodes[0];
    let opset = graph.opsets[0].1;
    let mut text = format!("{} of opset {opset}, {} outputs\n", node.op, node.outputs.len());
    for (name, value) in &node.attributes {
        let _ = writeln!(text, "  {name} = {value:?}");
    }
    for id in &node.inputs {
        let Some(id) = *id else {
            text.push_str("  no input\n");
            continue;
        };
        let constant = graph.value(id).initializer.as_ref();
        let given = inputs.iter().find(|(input, _)| *input == id).map(|(_, x)| x);
        if let Some(x) = constant.or(given) {
            let kind = if constant.is_some() { "constant" } else { "input" };
            let (dtype, shape) = (x.dtype(), x.shape());
            let _ = writeln!(text, "  {kind} {dtype:?} {shape:?} {:?}", numbers(x));
        }
    }
    text
}
