//! What a row of the table says.

use crate::error::Result;
use crate::tape::Var;
use crate::vjp::{At, Vjp};

/// A vector-Jacobian product: the cotangent of input `i`. It may still have the shape that the
/// input was broadcast to; the sweep sums it.
pub(crate) type Formula = for<'a, 'g> fn(&'a Vjp<'g>, usize) -> Result<Var<'g>>;
/// An operator's (only) output, written in operators that have rules.
pub(crate) type Decomposition = for<'a, 'g> fn(&'a At<'g>) -> Result<Var<'g>>;

/// The output of a node written in other operators, if engines lack what it asks for or do
/// otherwise; `None` if it is plain.
pub(crate) type Otherwise = for<'a, 'g> fn(&'a At<'g>) -> Result<Option<Var<'g>>>;

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
    pub(super) otherwise: Option<Otherwise>,
}

impl Rule {
    pub(super) const fn otherwise(self, form: Otherwise) -> Rule {
        Rule { otherwise: Some(form), ..self }
    }
}

pub(super) const fn rule(
    op: &'static str,
    wrt: Wrt,
    attributes: &'static [&'static str],
    formula: Formula,
) -> Rule {
    Rule { op, attributes, kind: Kind::Vjp(wrt, formula), otherwise: None }
}

pub(super) const fn decompose(
    op: &'static str,
    attributes: &'static [&'static str],
    formula: Decomposition,
) -> Rule {
    Rule { op, attributes, kind: Kind::Decomposition(formula), otherwise: None }
}

pub(super) const fn stop(op: &'static str) -> Rule {
    Rule { op, attributes: &[], kind: Kind::Stop, otherwise: None }
}
