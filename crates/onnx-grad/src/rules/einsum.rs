//! Differentiates sums of products that an Einstein summation describes.

use std::collections::HashMap;

use super::view::Vjp;
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::DType;

/// y = einsum("a,b->y"; A, B), so dA = einsum("y,b->a"; dy, B): the argument and the result change
/// places. Along an index that A alone has, which is summed over, dA is the same everywhere.
pub(super) fn einsum<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let equation: String = n.string("equation", "").chars().filter(|c| *c != ' ').collect();
    let unsupported = |what: &str| n.unsupported(format!("equation '{equation}': {what}"));
    let implied = result_of(&equation);
    let (terms, result) = equation.split_once("->").unwrap_or((&equation, &implied));
    let mut terms: Vec<&str> = terms.split(',').collect();
    if terms.len() != n.arity() || i >= terms.len() {
        return Err(unsupported("the number of terms is not that of the inputs"));
    }
    let mut sizes = HashMap::new();
    for (j, term) in terms.iter().enumerate() {
        let shape = n.x(j)?.shape();
        let fits = |(index, size): (char, &usize)| *sizes.entry(index).or_insert(*size) == *size;
        if term.len() != shape.len() || !term.chars().zip(&shape).all(fits) {
            return Err(unsupported("ellipses and broadcasting are not supported"));
        }
    }
    let shape: Option<Vec<usize>> = result.chars().map(|c| sizes.get(&c).copied()).collect();
    if shape != Some(n.dy()?.shape()) {
        return Err(unsupported("the result does not have the shape of the output"));
    }
    let repeats = |term: &str| term.char_indices().any(|(at, c)| term[..at].contains(c));
    if terms.iter().any(|t| repeats(t)) || repeats(result) {
        return Err(unsupported("diagonals are not supported"));
    }
    let term = std::mem::replace(&mut terms[i], result);
    let shared = |index: &char| terms.iter().any(|t| t.contains(*index));
    let kept: String = term.chars().filter(shared).collect();
    let of_kept = kept.chars().filter_map(|c| sizes.get(&c).copied()).collect();
    let spread: Vec<usize> = term
        .chars()
        .map(|index| if kept.contains(index) { sizes.get(&index).copied().unwrap_or(1) } else { 1 })
        .collect();
    let mut arguments = (0..terms.len()).map(|j| n.optional(j)).collect::<Vec<_>>();
    arguments[i] = Some(n.dy()?);
    let equation = format!("{}->{kept}", terms.join(","));
    let equation = ("equation", Attribute::String(equation));
    let dx = n.tape().op("Einsum", &arguments, &[equation], DType::F32, of_kept);
    Ok(dx.reshape(&spread).expand(&n.x(i)?.shape()))
}

/// The result of an equation that does not say it: the indices that occur once, in alphabetical
/// order.
fn result_of(terms: &str) -> String {
    let once =
        |c: &char| c.is_alphabetic() && terms.chars().filter(|other| other == c).count() == 1;
    let mut indices: Vec<char> = terms.chars().filter(once).collect();
    indices.sort_unstable();
    indices.into_iter().collect()
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let einsum = |equation: &str| case("Einsum").string("equation", equation).linear();
    vec![
        einsum("ij,jk->ik").x(&[2, 3]).x(&[3, 4]),
        einsum("abc, cde -> abde").x(&[2, 3, 4]).x(&[4, 2, 3]),
        einsum("aecd,abcd->acbe").x(&[2, 3, 2, 4]).x(&[2, 5, 2, 4]),
        einsum("acbe,aecd->abcd").x(&[2, 2, 5, 3]).x(&[2, 3, 2, 4]),
        einsum("ij->ji").x(&[2, 3]),
        einsum("ij->i").x(&[2, 3]),
        einsum("ikj,jl->lk").x(&[2, 4, 3]).x(&[3, 2]),
        einsum("bj,ja").x(&[2, 3]).x(&[3, 4]),
        einsum("i,i").x(&[3]).x(&[3]),
        einsum("i,j->ij").x(&[2]).x(&[3]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::case;

    #[test]
    fn equations_that_need_more_than_an_exchange_are_errors() {
        for equation in ["ii->i", "...j->j...", "ij,jk->ik", "ij->ij->"] {
            let case = case("Einsum").x(&[2, 2]).string("equation", equation);
            assert!(case.gradient_error().contains("equation"), "{equation}");
        }
    }
}
