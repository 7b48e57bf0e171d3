//! Reads the branches of an `If`: as nodes of the graph, which run on a condition.

use std::collections::HashMap;

use super::{Reader, invalid};
use crate::ValueId;
use crate::error::Result;
use crate::graph::Node;
use crate::proto::{AttributeProto, GraphProto};

/// Branches within branches deeper than this are refused.
const DEEPEST: usize = 64;

impl Reader<'_, '_> {
    /// The value of a name, as seen from where nodes are being read.
    pub(super) fn find(&self, name: &str) -> Option<ValueId> {
        let nearest = self.names.iter().rev().find_map(|names| names.get(name).copied());
        nearest.or_else(|| self.graph.find(name))
    }

    /// Reads both branches. Each ends in nodes that pass its results on as the outputs.
    pub(super) fn choice(
        &mut self,
        name: &str,
        inputs: &[Option<ValueId>],
        outputs: &[Option<ValueId>],
        branches: Vec<AttributeProto>,
    ) -> Result<()> {
        let error = |what: &str| invalid(format!("If node '{name}' {what}"));
        let &[Some(condition)] = inputs else { return Err(error("has no condition")) };
        if self.when.len() >= DEEPEST {
            return Err(error("lies in too many others"));
        }
        let [mut then_branch, mut else_branch] = [None, None];
        for attribute in branches {
            match attribute.name.as_str() {
                "then_branch" => then_branch = attribute.g,
                "else_branch" => else_branch = attribute.g,
                _ => {}
            }
        }
        for (holds, branch) in [(true, then_branch), (false, else_branch)] {
            let branch = branch.ok_or_else(|| error("lacks a branch"))?;
            self.when.push((condition, holds));
            self.names.push(HashMap::new());
            let results = self.branch(&format!("{name}/{holds}"), branch);
            self.names.pop();
            for (result, output) in results?.into_iter().zip(outputs) {
                self.graph.nodes.push(Node {
                    op: "Identity".into(),
                    name: name.to_owned(),
                    inputs: vec![Some(result)],
                    outputs: vec![*output],
                    when: self.when.clone(),
                    ..Node::default()
                });
            }
            self.when.pop();
        }
        Ok(())
    }

    /// Reads a branch; its results.
    fn branch(&mut self, prefix: &str, branch: GraphProto) -> Result<Vec<ValueId>> {
        for tensor in branch.initializer {
            let name = tensor.name.clone();
            let tensor = self.tensor(tensor)?;
            let id = self.graph.add_initializer(&format!("{prefix}/{name}"), tensor);
            self.name(name, id)?;
        }
        for name in branch.node.iter().flat_map(|n| &n.output).filter(|n| !n.is_empty()) {
            let id = self.graph.add_value(&format!("{prefix}/{name}"), None, None);
            self.name(name.clone(), id)?;
        }
        for node in branch.node {
            self.node(node)?;
        }
        let result = |name: &str| {
            let missing = || invalid(format!("result '{name}' is computed by no node"));
            self.find(name).ok_or_else(missing)
        };
        branch.output.iter().map(|o| result(&o.name)).collect()
    }

    fn name(&mut self, name: String, id: ValueId) -> Result<()> {
        let names = self.names.last_mut().map(|names| names.insert(name.clone(), id));
        match names.flatten() {
            Some(_) => Err(invalid(format!("value '{name}' is defined twice"))),
            None => Ok(()),
        }
    }
}
