//! Decomposes determinants into sums of products.

use super::view::NodeView;
use crate::error::Result;
use crate::tape::Var;
use crate::tensor::Tensor;

/// The most rows: there is a product for each set of columns, 2^n of them.
const MOST_ROWS: usize = 8;

/// det x by Laplace's expansion along the rows: the determinant of the first k rows and a set S of k
/// columns is the sum over j in S of x(k, j) times that of the rows before without column j, whose
/// sign is that of the number of columns of S after j.
pub(super) fn det<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    let shape = x.shape();
    let [outer @ .., rows, columns] = shape.as_slice() else {
        return Err(n.unsupported(format!("a matrix must have two axes, not shape {shape:?}")));
    };
    if rows != columns || !(1..=MOST_ROWS).contains(rows) {
        return Err(n.unsupported(format!(
            "the determinant of {rows} by {columns} elements is not supported"
        )));
    }
    let last = outer.len();
    let of_outer = |columns: &[usize]| [outer, columns].concat();
    let row = |k: usize| x.slice(last, k, 1, 1).reshape(&of_outer(&[*columns]));
    let sets = |k: u32| (0..1usize << rows).filter(move |set| set.count_ones() == k);
    let mut minors = n.tape().scalar(1.0).expand(&of_outer(&[1]));
    for k in 1..=*rows {
        let before: Vec<usize> = sets(k as u32 - 1).collect();
        let (mut elements, mut others, mut signs) = (vec![], vec![], vec![]);
        for set in sets(k as u32) {
            for j in (0..*rows).filter(|j| set >> j & 1 == 1) {
                elements.push(j);
                others.push(before.binary_search(&(set & !(1 << j))).unwrap_or(0));
                let after = (set >> (j + 1)).count_ones();
                signs.push(if after % 2 == 0 { 1.0 } else { -1.0 });
            }
        }
        let signs = Tensor::from_f32s(&[signs.len()], &signs);
        let signs = signs.ok_or_else(|| n.unsupported("there are no columns"))?;
        let products = row(k - 1).gather(last, &elements) * minors.gather(last, &others);
        let products = products * n.tape().constant(signs);
        let terms = products.reshape(&of_outer(&[elements.len() / k, k]));
        minors = terms.sum(&[last + 1]).reshape(&of_outer(&[elements.len() / k]));
    }
    Ok(minors.reshape(outer))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    vec![case("Det").x(&[1, 1]), case("Det").x(&[2, 2]), case("Det").x(&[2, 3, 4, 4])]
}

#[cfg(test)]
mod tests {
    use crate::testing::case;

    #[test]
    fn determinants_are_those_by_hand() {
        let det = |n: usize, x: &[f32]| case("Det").x(&[n, n]).values(&[x])[0];
        assert_eq!(det(1, &[3.0]), 3.0);
        assert_eq!(det(2, &[1.0, 2.0, 3.0, 4.0]), -2.0);
        assert_eq!(det(3, &[2.0, 0.0, 1.0, 1.0, 3.0, 2.0, 1.0, 1.0, 1.0]), 0.0);
        // A permutation of an odd number of swaps.
        let swapped =
            [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0];
        assert_eq!(det(4, &swapped), -1.0);
        // Its derivatives are the cofactors.
        let gradient = case("Det").x(&[2, 2]).gradients(&[&[1.0, 2.0, 3.0, 4.0]]);
        assert_eq!(gradient, [[4.0, -3.0, -2.0, 1.0]]);
    }
}
