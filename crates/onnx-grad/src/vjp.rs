//! Walks a graph backwards and appends the nodes that compute a gradient (the reverse sweep).

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::graph::{Node, NodeId, ValueId};
use crate::rules::{self, Formula, Kind, NodeView, Vjp};
use crate::tape::{Tape, Var};

/// The cotangent of a value: `None` if what is differentiated does not depend on the value, an
/// error if a node in between has no rule.
pub type Cotangent<'g> = Result<Option<Var<'g>>>;

/// Appends the nodes that compute the vector-Jacobian product of `of` with respect to each value of
/// `wrt`: the derivative of sum(`of` * `dy`), which has the value's shape. `dy` has the shape of
/// `of`.
///
/// Only nodes between `wrt` and `of` are differentiated. If one of them has no rule, the cotangents
/// of the values that the gradient reaches through it are errors; the others are not.
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
    /// For each value, whether it varies with any value of `wrt`.
    active: Vec<bool>,
    cotangents: HashMap<ValueId, Result<Var<'g>>>,
}

impl<'g> Sweep<'g> {
    /// Adds a term to a value's cotangent.
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
            .filter(|i| node.inputs[*i].is_some_and(|v| self.active[v.0]))
            .filter(|i| rules::passes_gradient(&node, *i))
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

    /// Adds a node's terms to the cotangents of those inputs that vary.
    fn differentiate(&mut self, node: &Node, active: &[usize]) -> Result<()> {
        let cotangents: Vec<Option<Var<'g>>> = node
            .outputs
            .iter()
            .map(|v| v.and_then(|v| self.cotangents.get(&v).cloned()).transpose())
            .collect::<Result<_>>()?;
        let view = NodeView { tape: self.tape, node: node.clone() };
        match rules::find(node)?.kind {
            Kind::Stop => Ok(()),
            Kind::Vjp(wrt, formula) => {
                let vjp = Vjp { view, cotangents };
                for i in active {
                    let term = if wrt.contains(*i) {
                        self.term(&vjp, formula, *i)
                    } else {
                        let what = format!("there is no gradient rule with respect to input {i}");
                        Err(vjp.unsupported(what))
                    };
                    if let Some(input) = node.inputs[*i] {
                        self.add(input, term);
                    }
                }
                Ok(())
            }
            Kind::Decomposition(formula) => {
                let first = self.tape.read(|g| g.nodes.len());
                let ys = formula.outputs(&view)?;
                self.tape.check()?;
                if cotangents.iter().skip(ys.len()).any(Option::is_some) {
                    let what = format!("the gradient of output {} is not supported", ys.len());
                    return Err(view.unsupported(what));
                }
                let last = self.tape.read(|g| {
                    self.active.resize(g.values.len(), false);
                    for node in &g.nodes[first..] {
                        let varies = node.inputs.iter().enumerate().any(|(i, v)| {
                            v.is_some_and(|v| self.active[v.0]) && rules::passes_gradient(node, i)
                        });
                        for output in node.outputs.iter().flatten() {
                            self.active[output.0] = varies && g.may_vary(*output);
                        }
                    }
                    g.nodes.len()
                });
                for (y, dy) in ys.iter().zip(cotangents) {
                    dy.into_iter().for_each(|dy| self.add(y.id, Ok(dy)));
                }
                (first..last).rev().for_each(|n| self.visit(NodeId(n)));
                Ok(())
            }
        }
    }

    /// The term of input `i`, summed over the axes along which the input was broadcast.
    fn term(&self, vjp: &Vjp<'g>, formula: Formula, i: usize) -> Result<Var<'g>> {
        let shape = vjp.x(i)?.shape();
        let dx = formula(vjp, i)?.sum_to(&shape);
        let found = dx.shape();
        self.tape.check()?;
        if found != shape {
            return Err(Error::invalid(format!(
                "the gradient of node '{}' has shape {found:?}, expected {shape:?}",
                vjp.node.name
            )));
        }
        Ok(dx)
    }
}
