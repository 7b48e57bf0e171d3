//! The reverse sweep: walks a graph backwards and writes the gradient into it.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::graph::{Node, NodeId, ValueId};
use crate::rules::{self, Kind, Rule};
use crate::tape::{Tape, Var};
use crate::vjp::{At, Vjp};

/// The cotangent of a value: `None` where the score does not depend on it, an error where a node
/// in between has no rule.
pub type Cotangent<'g> = Result<Option<Var<'g>>>;

/// The vector-Jacobian product: appends the nodes that compute, for each value of `wrt`, the
/// derivative of sum(`of` * `dy`) with respect to it (of the value's own shape).
///
/// Only what lies between `wrt` and `of` is differentiated. A node without a rule makes an error
/// of those entries alone that lie behind it.
pub fn vjp<'g>(tape: &'g Tape, of: Var<'g>, dy: Var<'g>, wrt: &[ValueId]) -> Vec<Cotangent<'g>> {
    let (active, nodes) = tape.read(|g| (g.varying(wrt), g.nodes.len()));
    let mut sweep = Sweep { tape, active, cotangents: HashMap::new() };
    sweep.add(of.id, Ok(dy));
    for n in (0..nodes).rev() {
        sweep.visit(NodeId(n));
    }
    tape.set_scope("");
    wrt.iter().map(|v| sweep.cotangents.get(v).cloned().transpose()).collect()
}

struct Sweep<'g> {
    tape: &'g Tape,
    /// Per value: whether it varies with any value of `wrt`.
    active: Vec<bool>,
    cotangents: HashMap<ValueId, Result<Var<'g>>>,
}

impl<'g> Sweep<'g> {
    /// Adds to a value's cotangent.
    fn add(&mut self, value: ValueId, term: Result<Var<'g>>) {
        let sum = match (self.cotangents.remove(&value), term) {
            (None, term) => term,
            (Some(Ok(a)), Ok(b)) => Ok(a + b),
            (Some(Err(e)), _) | (_, Err(e)) => Err(e),
        };
        self.cotangents.insert(value, sum);
    }

    /// Passes the cotangents of a node's outputs on to its inputs.
    fn visit(&mut self, id: NodeId) {
        let node = self.tape.read(|g| g.node(id).clone());
        let active: Vec<usize> = (0..node.inputs.len())
            .filter(|i| {
                node.inputs[*i].is_some_and(|v| self.active[v.0]) && rules::passes(&node, *i)
            })
            .collect();
        let reached = node.outputs.iter().flatten().any(|v| self.cotangents.contains_key(v));
        if active.is_empty() || !reached {
            return;
        }
        self.tape.set_scope(&format!("grad/{}", node.name));
        if let Err(error) = self.differentiate(&node, &active) {
            for i in active {
                if let Some(input) = node.inputs[i] {
                    self.add(input, Err(error.clone()));
                }
            }
        }
    }

    fn differentiate(&mut self, node: &Node, active: &[usize]) -> Result<()> {
        let cotangents: Vec<Option<Var<'g>>> = node
            .outputs
            .iter()
            .map(|v| v.and_then(|v| self.cotangents.get(&v).cloned()).transpose())
            .collect::<Result<_>>()?;
        let rule = rules::find(node)?;
        let at = At { tape: self.tape, node: node.clone() };
        match rule.kind {
            Kind::Stop => Ok(()),
            Kind::Vjp(wrt, formula) => {
                let vjp = Vjp { at, cotangents };
                for i in active {
                    let term = self.apply(&vjp, rule, wrt.contains(*i), formula, *i);
                    if let Some(input) = node.inputs[*i] {
                        self.add(input, term);
                    }
                }
                Ok(())
            }
            Kind::Decomposition(formula) => {
                let Some(dy) = cotangents.first().copied().flatten() else { return Ok(()) };
                let first = self.tape.read(|g| g.nodes.len());
                let y = formula(&at)?;
                self.tape.check()?;
                let last = self.tape.read(|g| {
                    self.active.resize(g.values.len(), false);
                    for node in &g.nodes[first..] {
                        let inputs = node.inputs.iter().enumerate();
                        let varies = inputs
                            .filter(|(i, _)| rules::passes(node, *i))
                            .any(|(_, v)| v.is_some_and(|v| self.active[v.0]));
                        for output in node.outputs.iter().flatten() {
                            self.active[output.0] = varies && g.may_vary(*output);
                        }
                    }
                    g.nodes.len()
                });
                self.add(y.id, Ok(dy));
                (first..last).rev().for_each(|n| self.visit(NodeId(n)));
                Ok(())
            }
        }
    }

    /// One argument's term, summed over the axes along which the argument was broadcast.
    fn apply(
        &self,
        vjp: &Vjp<'g>,
        rule: &Rule,
        supported: bool,
        formula: rules::Formula,
        i: usize,
    ) -> Result<Var<'g>> {
        if !supported {
            let what =
                format!("there is no gradient rule with respect to input {i} of {}", rule.op);
            return Err(vjp.unsupported(what));
        }
        let shape = vjp.x(i)?.shape();
        let dx = formula(vjp, i)?.sum_to(&shape);
        let found = dx.shape();
        self.tape.check()?;
        if found != shape {
            return Err(Error::Invalid(format!(
                "the gradient of node '{}' has shape {found:?} in place of {shape:?}",
                vjp.node.name
            )));
        }
        Ok(dx)
    }
}
