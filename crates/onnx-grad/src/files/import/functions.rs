//! Puts the bodies of a model's own functions in place of the nodes that call them.

use std::collections::HashMap;

use super::invalid;
use crate::error::Result;
use crate::level;
use crate::proto::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto};

/// Functions that call functions can unfold without bound: models with more nodes are refused.
const MOST_NODES: usize = 100_000;
/// So are calls within calls deeper than this.
const DEEPEST: usize = 64;

/// Unfolds all calls in the model's graph.
///
/// # Errors
/// If functions call themselves or unfold to more nodes than any classifier has, or if they are
/// of another opset in which their operators have another form.
pub(crate) fn unfold(model: &mut ModelProto) -> Result<()> {
    let functions = std::mem::take(&mut model.functions);
    if functions.is_empty() {
        return Ok(());
    }
    let opset = |imports: &[crate::proto::OperatorSetIdProto]| {
        imports.iter().find(|o| standard(&o.domain).is_empty()).map(|o| o.version)
    };
    let version = opset(&model.opset_import);
    for function in &functions {
        let own = opset(&function.opset_import).or(version).unwrap_or(1);
        let plain = function.node.iter().filter(|n| standard(&n.domain).is_empty());
        for node in plain {
            if !level::same_form(&node.op_type, own, version.unwrap_or(own)) {
                return Err(invalid(format!(
                    "function '{}' has {} in the form of opset {own}, unlike the model",
                    function.name, node.op_type
                )));
            }
        }
    }
    let key = |f: FunctionProto| ((f.domain.clone(), f.name.clone(), f.overload.clone()), f);
    let functions = functions.into_iter().map(key).collect();
    if let Some(graph) = &mut model.graph {
        Unfolding { functions, nodes: 0, calls: 0 }.graph(graph, 0)?;
    }
    Ok(())
}

fn standard(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

struct Unfolding {
    /// By domain, name and overload.
    functions: HashMap<(String, String, String), FunctionProto>,
    nodes: usize,
    calls: usize,
}

impl Unfolding {
    fn graph(&mut self, graph: &mut GraphProto, depth: usize) -> Result<()> {
        let mut nodes = Vec::with_capacity(graph.node.len());
        for node in std::mem::take(&mut graph.node) {
            self.node(node, depth, &mut nodes)?;
        }
        graph.node = nodes;
        Ok(())
    }

    /// Appends a node, or what it calls.
    fn node(
        &mut self,
        mut node: NodeProto,
        depth: usize,
        nodes: &mut Vec<NodeProto>,
    ) -> Result<()> {
        for subgraph in node.attribute.iter_mut().filter_map(|a| a.g.as_mut()) {
            self.graph(subgraph, depth)?;
        }
        // Long names count as well: they grow with each call within a call.
        self.nodes += 1 + node.name.len() / 256;
        if self.nodes > MOST_NODES || depth > DEEPEST {
            return Err(invalid(format!(
                "the model's functions unfold to more than {MOST_NODES} nodes, or call themselves"
            )));
        }
        let key = (node.domain.clone(), node.op_type.clone(), node.overload.clone());
        let Some(function) = self.functions.get(&key).cloned() else {
            nodes.push(node);
            return Ok(());
        };
        self.calls += 1;
        let call = Call::of(&function, &node, self.calls);
        for mut inner in function.node {
            call.rename_node(&mut inner);
            self.node(inner, depth + 1, nodes)?;
        }
        Ok(())
    }
}

/// One call: what the function's names and attributes stand for.
struct Call {
    /// Begins the names of values within the function.
    prefix: String,
    values: HashMap<String, String>,
    attributes: HashMap<String, AttributeProto>,
}

impl Call {
    fn of(function: &FunctionProto, node: &NodeProto, number: usize) -> Self {
        let prefix = match &node.name {
            name if name.is_empty() => format!("{}_{number}", function.name),
            name => format!("{name}_{number}"),
        };
        let left_out = String::new();
        let given = |i: usize| node.input.get(i).unwrap_or(&left_out).clone();
        let inputs =
            function.input.iter().enumerate().map(|(i, formal)| (formal.clone(), given(i)));
        let outputs = function.output.iter().cloned().zip(node.output.iter().cloned());
        let named = |a: &AttributeProto| (a.name.clone(), a.clone());
        Call {
            prefix,
            values: inputs.chain(outputs.filter(|(_, actual)| !actual.is_empty())).collect(),
            // What the call says comes after the defaults, and so replaces them.
            attributes: function.attribute_proto.iter().chain(&node.attribute).map(named).collect(),
        }
    }

    fn rename(&self, name: &mut String) {
        if let Some(actual) = self.values.get(name) {
            actual.clone_into(name);
        } else if !name.is_empty() {
            *name = format!("{}/{name}", self.prefix);
        }
    }

    fn rename_node(&self, node: &mut NodeProto) {
        node.input.iter_mut().chain(&mut node.output).for_each(|name| self.rename(name));
        let name = if node.name.is_empty() { &node.op_type } else { &node.name };
        node.name = format!("{}/{name}", self.prefix);
        // An attribute that refers to one that the call leaves out is left out itself.
        node.attribute.retain_mut(|attribute| {
            if attribute.ref_attr_name.is_empty() {
                return true;
            }
            let Some(actual) = self.attributes.get(&attribute.ref_attr_name) else { return false };
            let name = std::mem::take(&mut attribute.name);
            *attribute = AttributeProto { name, ..actual.clone() };
            true
        });
        for graph in node.attribute.iter_mut().filter_map(|a| a.g.as_mut()) {
            graph.node.iter_mut().for_each(|node| self.rename_node(node));
            graph.initializer.iter_mut().for_each(|tensor| self.rename(&mut tensor.name));
            let ends = graph.input.iter_mut().chain(&mut graph.output);
            ends.for_each(|info| self.rename(&mut info.name));
        }
    }
}
