//! Decomposes nodes that engines lack, or compute otherwise than the standard says, into others.

use crate::error::Result;
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::rules::{self, NodeView};
use crate::tape::{Tape, Var};

impl Graph {
    /// Rewrites the graph in operators that every engine has, with options that all of them compute
    /// alike. All shapes must be known. Nodes that no output depends on stay as they are.
    ///
    /// # Errors
    /// If a node must be decomposed, but its options are not supported.
    pub fn decompose(mut self) -> Result<Graph> {
        let needed = self.ancestors(&self.outputs);
        let nodes = std::mem::take(&mut self.nodes);
        let tape = Tape::new(self);
        for mut node in nodes {
            if !node.outputs.iter().flatten().any(|v| needed[v.0]) {
                tape.push(node);
                continue;
            }
            tape.set_scope(&node.name);
            let view = NodeView { tape: &tape, node: node.clone() };
            if let Some(pads) = rules::implied_pads(&view)? {
                node.take_attribute("auto_pad");
                node.take_attribute("ceil_mode");
                node.set_attribute("pads", Attribute::Ints(pads));
            }
            let Some(ys) = rules::decomposition(&tape, &node)? else {
                tape.push(node);
                continue;
            };
            for (i, output) in node.outputs.iter().enumerate() {
                let Some(output) = output.filter(|v| needed[v.0]) else { continue };
                let missing = || node.unsupported(format!("its output {i} is not supported"));
                tape.alias(*ys.get(i).ok_or_else(missing)?, output, &node)?;
            }
        }
        tape.set_scope("");
        tape.into_graph()
    }
}

impl Tape {
    /// Appends the copy of `y` that is the `output` of a decomposed node.
    fn alias(&self, y: Var<'_>, output: ValueId, node: &Node) -> Result<()> {
        self.check()?;
        let (expected, found) = (y.shape(), self.var(output).shape());
        if expected != found {
            let what = format!("its output has shape {found:?}, expected {expected:?}");
            return Err(node.unsupported(what));
        }
        self.push(Node {
            op: "Identity".into(),
            domain: String::new(),
            inputs: vec![Some(y.id)],
            outputs: vec![Some(output)],
            attributes: vec![],
            ..node.clone()
        });
        Ok(())
    }
}
