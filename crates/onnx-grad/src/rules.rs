//! All gradient rules, in one sorted table.

mod unary_elementwise;

use crate::error::Result;
use crate::graph::{Attribute, Node};
use crate::tape::{Tape, Var};
use crate::tensor::DType;
use crate::vjp::{At, Vjp};

/// A vector-Jacobian product: the cotangent of input `i`. It may still have the shape that the
/// input was broadcast to; the sweep sums it.
pub(crate) type Formula = for<'a, 'g> fn(&'a Vjp<'g>, usize) -> Result<Var<'g>>;
/// An operator's (only) output, written in operators that have rules.
pub(crate) type Decomposition = for<'a, 'g> fn(&'a At<'g>) -> Result<Var<'g>>;

/// The inputs for which a rule holds the formula.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrt {
    All,
    First,
    Inputs(&'static [usize]),
}

impl Wrt {
    pub(crate) fn contains(self, i: usize) -> bool {
        match self {
            Wrt::All => true,
            Wrt::First => i == 0,
            Wrt::Inputs(inputs) => inputs.contains(&i),
        }
    }
}

/// How the gradient passes an operator.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// By a formula.
    Vjp(Wrt, Formula),
    /// By the formulas of the operators that it is made of.
    Decomposition(Decomposition),
    /// Not at all: the output cannot vary (shapes, indices), or does so in steps.
    Stop,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The operator, with its domain if that is not ai.onnx.
    pub(crate) op: &'static str,
    /// The attributes that the rule knows; a node with any other is not supported.
    pub(crate) attributes: &'static [&'static str],
    pub(crate) kind: Kind,
}

const fn rule(
    op: &'static str,
    wrt: Wrt,
    attributes: &'static [&'static str],
    formula: Formula,
) -> Rule {
    Rule { op, attributes, kind: Kind::Vjp(wrt, formula) }
}

const fn decompose(
    op: &'static str,
    attributes: &'static [&'static str],
    formula: Decomposition,
) -> Rule {
    Rule { op, attributes, kind: Kind::Decomposition(formula) }
}

const fn stop(op: &'static str) -> Rule {
    Rule { op, attributes: &[], kind: Kind::Stop }
}

#[rustfmt::skip]
static RULES: &[Rule] = &[
    stop("ArgMax"),
    stop("ArgMin"),
    decompose("Mish", &[], unary_elementwise::mish),
    rule("Relu", Wrt::All, &[], unary_elementwise::relu),
    stop("Shape"),
    rule("Sigmoid", Wrt::All, &[], unary_elementwise::sigmoid),
];

fn lookup(node: &Node) -> Option<&'static Rule> {
    let op = node.qualified_op();
    RULES.binary_search_by(|r| r.op.cmp(&op)).ok().map(|i| &RULES[i])
}

/// The rule for a node.
///
/// # Errors
/// If there is none, or it does not know one of the node's attributes.
pub(crate) fn find(node: &Node) -> Result<&'static Rule> {
    let rule = lookup(node).ok_or_else(|| node.unsupported("there is no gradient rule for it"))?;
    let known = |name: &String| rule.attributes.contains(&name.as_str());
    match node.attributes.iter().find(|(name, _)| !known(name)) {
        Some((name, _)) if !matches!(rule.kind, Kind::Stop) => {
            Err(node.unsupported(format!("its gradient rule does not know attribute '{name}'")))
        }
        _ => Ok(rule),
    }
}

/// The output of a node, written in the operators that it is made of.
///
/// # Errors
/// If there is no decomposition for it, or not with its options.
pub(crate) fn decomposed<'g>(tape: &'g Tape, node: &Node) -> Result<Var<'g>> {
    match find(node)?.kind {
        Kind::Decomposition(formula) => formula(&At { tape, node: node.clone() }),
        _ => Err(node.unsupported("there is no decomposition for it")),
    }
}

/// Whether a node's output can vary with an input, as far as is known.
pub(crate) fn passes(node: &Node, _input: usize) -> bool {
    let to_integer = match node.attribute("to") {
        Some(Attribute::Int(to)) => node.op == "Cast" && *to != DType::F32 as i64,
        _ => false,
    };
    !to_integer && !lookup(node).is_some_and(|r| matches!(r.kind, Kind::Stop))
}

/// The operators that the gradient passes, sorted, with how: for documentation.
pub fn supported() -> impl Iterator<Item = (&'static str, &'static str)> {
    RULES.iter().map(|r| match r.kind {
        Kind::Vjp(..) => (r.op, "rule"),
        Kind::Decomposition(_) => (r.op, "decomposition"),
        Kind::Stop => (r.op, "no gradient"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Case;
    use std::collections::BTreeSet;

    /// Operators that rten, on which the rules are tested, does not have.
    const LACKING: &[&str] = &["Mish"];

    fn cases() -> Vec<Case> {
        [unary_elementwise::cases()].concat()
    }

    #[test]
    fn the_table_is_sorted_without_duplicates() {
        assert!(RULES.is_sorted_by(|a, b| a.op < b.op));
    }

    #[test]
    fn every_rule_has_a_case() {
        let tested: BTreeSet<&str> = cases().iter().map(|c| c.op).collect();
        let untested: Vec<_> = RULES
            .iter()
            .filter(|r| !matches!(r.kind, Kind::Stop) && !tested.contains(r.op))
            .map(|r| r.op)
            .collect();
        assert_eq!(untested, Vec::<&str>::new());
    }

    #[test]
    fn every_rule_agrees_with_finite_differences() {
        for case in cases() {
            case.check(LACKING);
        }
    }
}
