//! Reads the branches of `If` nodes and the bodies of loops.
//!
//! Both become nodes of the graph that run only on conditions (if-conversion): branches on that of
//! the If, and the body of a loop on a value that is never known, until the loop is unrolled.

use std::collections::HashMap;

use super::reader::Reader;
use crate::error::{Error, Result};
use crate::files::proto;
use crate::graph::{LOOP_END, LOOP_START, Node, Predicate, ValueId};
use crate::tensor::DType;

/// The most branches and loops within each other.
const DEEPEST: usize = 64;

impl Reader<'_, '_> {
    /// Reads both branches of an If. Each ends in nodes that copy its results to the If's outputs.
    pub(super) fn branches(
        &mut self,
        name: &str,
        inputs: &[Option<ValueId>],
        outputs: &[Option<ValueId>],
        branches: Vec<proto::AttributeProto>,
    ) -> Result<()> {
        let error = |what: &str| Error::invalid(format!("If node '{name}' {what}"));
        let &[Some(condition)] = inputs else { return Err(error("has no condition")) };
        self.check_depth(name)?;
        let [mut then_branch, mut else_branch] = [None, None];
        for attribute in branches {
            match attribute.name.as_str() {
                "then_branch" => then_branch = attribute.g,
                "else_branch" => else_branch = attribute.g,
                _ => {}
            }
        }
        for (expected, branch) in [(true, then_branch), (false, else_branch)] {
            let branch = branch.ok_or_else(|| error("lacks a branch"))?;
            self.predicates.push(Predicate { condition, expected });
            self.names.push(HashMap::new());
            let results = self.branch(&format!("{name}/{expected}"), *branch);
            self.names.pop();
            for (result, output) in results?.into_iter().zip(outputs) {
                self.graph.nodes.push(Node {
                    op: "Identity".into(),
                    name: name.to_owned(),
                    inputs: vec![Some(result)],
                    outputs: vec![*output],
                    predicates: self.predicates.clone(),
                    ..Node::default()
                });
            }
            self.predicates.pop();
        }
        Ok(())
    }

    /// Reads a loop as the node that starts it, which computes the inputs of the body, the body's own
    /// nodes, and the node that ends it, which reads the body's results.
    ///
    /// # Errors
    /// If the numbers of values that go into the loop, through its body and out of it do not match.
    pub(super) fn repeated(&mut self, node: Node, mut body: proto::GraphProto) -> Result<()> {
        let error = |what: &str| Error::invalid(format!("{} node '{}' {what}", node.op, node.name));
        self.check_depth(&node.name)?;
        let opset = self.graph.opsets.iter().find(|(d, _)| d.is_empty()).map_or(1, |(_, v)| *v);
        if node.op == "Scan" && opset < 9 {
            return Err(node.unsupported("its form of opset 8 is not supported"));
        }
        let token = self.graph.add_value(&format!("{}/body", node.name), Some(DType::Bool), None);
        self.predicates.push(Predicate { condition: token, expected: true });
        self.names.push(HashMap::new());
        let prefix = self.graph.value(token).name.clone();
        let mut given = vec![Some(token)];
        for input in std::mem::take(&mut body.input) {
            // Of a sequence, an operator that has no rule is named.
            let tensor = input.r#type.and_then(|t| t.tensor_type);
            let dtype = tensor.and_then(|t| DType::representing(t.elem_type));
            let id = self.graph.add_value(&format!("{prefix}/{}", input.name), dtype, None);
            self.name_in_branch(input.name, id)?;
            given.push(Some(id));
        }
        let predicates = self.predicates.clone();
        let start = Node {
            domain: LOOP_START.into(),
            outputs: given,
            predicates: predicates.clone(),
            ..node.clone()
        };
        let results: Vec<_> = self.branch(&prefix, body)?.into_iter().map(Some).collect();
        let end = Node { domain: LOOP_END.into(), inputs: results, predicates, ..node.clone() };
        if !loop_fits(&start, &end) {
            return Err(error("has a body with other numbers of inputs or outputs"));
        }
        self.graph.push_node(start);
        self.graph.push_node(end);
        self.names.pop();
        self.predicates.pop();
        Ok(())
    }

    fn check_depth(&self, name: &str) -> Result<()> {
        if self.predicates.len() < DEEPEST {
            return Ok(());
        }
        Err(Error::invalid(format!("node '{name}' lies within too many branches and loops")))
    }

    /// Reads a branch, whose values get names with this prefix, and returns its results.
    fn branch(&mut self, prefix: &str, branch: proto::GraphProto) -> Result<Vec<ValueId>> {
        for tensor in branch.initializer {
            let name = tensor.name.clone();
            let id = self.initializer(&format!("{prefix}/{name}"), tensor)?;
            self.name_in_branch(name, id)?;
        }
        for name in branch.node.iter().flat_map(|n| &n.output).filter(|n| !n.is_empty()) {
            let id = self.graph.add_value(&format!("{prefix}/{name}"), None, None);
            self.name_in_branch(name.clone(), id)?;
        }
        for node in branch.node {
            self.node(node)?;
        }
        let result = |name: &str| {
            let missing =
                || Error::invalid(format!("no node computes the result '{name}' of a branch"));
            self.find(name).ok_or_else(missing)
        };
        branch.output.iter().map(|o| result(&o.name)).collect()
    }

    /// Gives a value its name in the branch that is being read.
    fn name_in_branch(&mut self, name: String, id: ValueId) -> Result<()> {
        let names = self.names.last_mut().map(|names| names.insert(name.clone(), id));
        match names.flatten() {
            Some(_) => Err(Error::invalid(format!("value '{name}' is defined twice"))),
            None => Ok(()),
        }
    }
}

/// Whether the values that go into a loop, through its body and out of it match in number.
fn loop_fits(start: &Node, end: &Node) -> bool {
    let (into, given) = (start.inputs.len(), start.outputs.len() - 1);
    let (results, out) = (end.inputs.len(), end.outputs.len());
    let scanned = start.int("num_scan_inputs").and_then(|count| usize::try_from(count).ok());
    let scanned = scanned.unwrap_or(0);
    given == into
        && match start.op.as_str() {
            "Loop" => into >= 2 && results + 1 >= into && out < results,
            _ => (1..=into).contains(&scanned) && results + scanned >= into && out <= results,
        }
}
