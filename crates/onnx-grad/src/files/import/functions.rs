//! Inlines a model's own functions: replaces the nodes that call them by their bodies.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::files::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    is_standard,
};
use crate::passes::canonical;

/// The most nodes after inlining. A small file can hold functions that expand to any number.
const MOST_NODES: usize = 100_000;
/// The most calls within calls.
const DEEPEST: usize = 64;

/// Inlines all calls in the model's graph.
///
/// # Errors
/// If functions call themselves or expand to too many nodes, or if a function is of an opset in
/// which one of its operators has another form than in the model's.
pub(crate) fn inline_functions(model: &mut ModelProto) -> Result<()> {
    let functions = std::mem::take(&mut model.functions);
    if functions.is_empty() {
        return Ok(());
    }
    let opset = |imports: &[OperatorSetIdProto]| {
        imports.iter().find(|o| is_standard(&o.domain)).map(|o| o.version)
    };
    let version = opset(&model.opset_import);
    for function in &functions {
        let own = opset(&function.opset_import).or(version).unwrap_or(1);
        let model = version.unwrap_or(own);
        for node in function.node.iter().filter(|n| is_standard(&n.domain)) {
            if !canonical::same_form(&node.op_type, own, model) {
                return Err(Error::invalid(format!(
                    "function '{}' has {} in its form of opset {own}, but the model is of opset \
                     {model}",
                    function.name, node.op_type
                )));
            }
        }
    }
    let key = |f: FunctionProto| ((f.domain.clone(), f.name.clone(), f.overload.clone()), f);
    let functions = functions.into_iter().map(key).collect();
    if let Some(graph) = &mut model.graph {
        Inliner { functions, nodes: 0, calls: 0 }.graph(graph, 0)?;
    }
    Ok(())
}

struct Inliner {
    /// The functions by domain, name and overload.
    functions: HashMap<(String, String, String), FunctionProto>,
    /// The number of nodes so far.
    nodes: usize,
    /// The number of calls so far.
    calls: usize,
}

impl Inliner {
    /// Inlines the calls in a graph that lies within `depth` calls.
    fn graph(&mut self, graph: &mut GraphProto, depth: usize) -> Result<()> {
        let mut nodes = Vec::with_capacity(graph.node.len());
        for node in std::mem::take(&mut graph.node) {
            self.node(node, depth, &mut nodes)?;
        }
        graph.node = nodes;
        Ok(())
    }

    /// Appends a node, or the body of the function that it calls.
    fn node(
        &mut self,
        mut node: NodeProto,
        depth: usize,
        nodes: &mut Vec<NodeProto>,
    ) -> Result<()> {
        for subgraph in node.attribute.iter_mut().filter_map(|a| a.g.as_mut()) {
            self.graph(subgraph, depth)?;
        }
        // Long names count, too, as they grow with each call within a call.
        self.nodes += 1 + node.name.len() / 256;
        if self.nodes > MOST_NODES || depth > DEEPEST {
            return Err(Error::invalid(format!(
                "the model's functions expand to more than {MOST_NODES} nodes, or call themselves"
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

/// A call: what the names of values and attributes in the function stand for.
struct Call {
    /// The prefix of the names of values within the function.
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
            // The attributes of the call come after the defaults, and so replace them.
            attributes: function.attribute_proto.iter().chain(&node.attribute).map(named).collect(),
        }
    }

    /// Renames a value of the function.
    fn rename(&self, name: &mut String) {
        if let Some(actual) = self.values.get(name) {
            actual.clone_into(name);
        } else if !name.is_empty() {
            *name = format!("{}/{name}", self.prefix);
        }
    }

    /// Renames a node of the function and its values, and resolves its references to attributes.
    fn rename_node(&self, node: &mut NodeProto) {
        node.input.iter_mut().chain(&mut node.output).for_each(|name| self.rename(name));
        let name = if node.name.is_empty() { &node.op_type } else { &node.name };
        node.name = format!("{}/{name}", self.prefix);
        // An attribute that refers to one that the call leaves out is left out, too.
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
