//! Defines what a row of the table of rules holds.

use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::tape::Var;

/// The formula of a vector-Jacobian product: it writes the cotangent of input `i`. That may have
/// the shape which the input was broadcast to; the reverse sweep sums it to the input's own.
pub(crate) type Formula = for<'a, 'g> fn(&'a Vjp<'g>, usize) -> Result<Var<'g>>;

/// Writes a node's first output in operators that have rules.
type FirstOutput = for<'a, 'g> fn(&'a NodeView<'g>) -> Result<Var<'g>>;

/// Writes a node's outputs, all that it may have, in operators that have rules.
type AllOutputs = for<'a, 'g> fn(&'a NodeView<'g>) -> Result<Vec<Var<'g>>>;

/// How a node is written in operators that have rules.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decomposition {
    First(FirstOutput),
    All(AllOutputs),
}

impl Decomposition {
    /// The outputs of a node, from the first on, as far as they are written.
    ///
    /// # Errors
    /// If the node's options are not supported.
    pub(crate) fn outputs<'g>(self, n: &NodeView<'g>) -> Result<Vec<Var<'g>>> {
        match self {
            Decomposition::First(formula) => Ok(vec![formula(n)?]),
            Decomposition::All(formula) => formula(n),
        }
    }
}

/// Writes a node's first output in other operators if its options are among those that engines
/// lack, or compute otherwise than the standard says; `None` if they are not.
pub(crate) type OptionalDecomposition = for<'a, 'g> fn(&'a NodeView<'g>) -> Result<Option<Var<'g>>>;

/// The inputs with respect to which a rule has a formula.
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

/// How a gradient passes an operator.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// By a formula.
    Vjp(Wrt, Formula),
    /// By the formulas of the operators that it is decomposed into.
    Decomposition(Decomposition),
    /// Not at all: the output is constant (shapes, indices) or piecewise constant.
    Stop,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The operator, with its domain if that is not ai.onnx.
    pub(crate) op: &'static str,
    /// The attributes that the rule takes into account; a node with any other is not supported.
    pub(crate) attributes: &'static [&'static str],
    pub(crate) kind: Kind,
    pub(super) optional: Option<OptionalDecomposition>,
    /// The inputs of which nothing but the type is read, so that no gradient reaches them.
    pub(super) type_only: &'static [usize],
}

impl Rule {
    /// The same rule, with a decomposition for options that not all engines compute.
    pub(super) const fn or_decompose(self, formula: OptionalDecomposition) -> Rule {
        Rule { optional: Some(formula), ..self }
    }

    /// The same rule of an operator that reads nothing but the type of these inputs.
    pub(super) const fn with_types_of(self, inputs: &'static [usize]) -> Rule {
        Rule { type_only: inputs, ..self }
    }
}

/// A row for an operator with a formula.
pub(super) const fn rule(
    op: &'static str,
    wrt: Wrt,
    attributes: &'static [&'static str],
    formula: Formula,
) -> Rule {
    Rule { op, attributes, kind: Kind::Vjp(wrt, formula), optional: None, type_only: &[] }
}

/// A row for an operator that is decomposed.
pub(super) const fn decompose(
    op: &'static str,
    attributes: &'static [&'static str],
    formula: FirstOutput,
) -> Rule {
    let kind = Kind::Decomposition(Decomposition::First(formula));
    Rule { op, attributes, kind, optional: None, type_only: &[] }
}

/// A row for an operator that is decomposed, with several outputs that have gradients.
pub(super) const fn decompose_all(
    op: &'static str,
    attributes: &'static [&'static str],
    formula: AllOutputs,
) -> Rule {
    let kind = Kind::Decomposition(Decomposition::All(formula));
    Rule { op, attributes, kind, optional: None, type_only: &[] }
}

/// A row for an operator that stops gradients.
pub(super) const fn stop(op: &'static str) -> Rule {
    Rule { op, attributes: &[], kind: Kind::Stop, optional: None, type_only: &[] }
}
