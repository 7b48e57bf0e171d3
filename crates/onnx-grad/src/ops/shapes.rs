//! Calculates with shapes.

use crate::graph::Attribute;

/// The shape that two shapes are broadcast to, if they can be.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |i| s[i]);
    (0..rank)
        .map(|i| match (dim(a, i), dim(b, i)) {
            (m, n) if m == n || n == 1 => Some(m),
            (1, n) => Some(n),
            _ => None,
        })
        .collect()
}

/// An attribute that is a list of integers.
pub(super) fn ints(name: &'static str, values: &[usize]) -> (&'static str, Attribute) {
    (name, Attribute::Ints(values.iter().map(|v| *v as i64).collect()))
}

pub(super) fn to_i64s(values: &[usize]) -> Vec<i64> {
    values.iter().map(|v| *v as i64).collect()
}
