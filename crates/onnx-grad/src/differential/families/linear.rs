//! Matrix products, and sums of products.

use super::FEW;
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::testing::{Case, case};

pub(super) const LINEAR: &[Operator] = &[
    ("Det", det),
    ("Einsum", einsum),
    ("Gemm", gemm),
    ("MatMul", matmul),
    ("com.microsoft.FusedMatMul", fused),
];

#[test]
fn linear() {
    search(FEW, LINEAR);
}

fn numbers(d: &mut Draw) -> Numbers {
    d.of(&[Numbers::Plain, Numbers::Ties])
}

/// The batches of two factors, which are broadcast against each other.
fn batches(d: &mut Draw) -> [Vec<usize>; 2] {
    let whole: Vec<usize> = (0..d.below(3)).map(|_| d.int(1, 3) as usize).collect();
    [0, 1].map(|_| {
        let kept = whole.iter().map(|s| if d.rarely(4) { 1 } else { *s }).collect::<Vec<_>>();
        kept[d.below(2 * kept.len() + 1).min(kept.len())..].to_vec()
    })
}

fn matmul(op: &'static str, d: &mut Draw) -> Case {
    // Of a vector and a matrix without elements, rten's product has an axis more.
    let (rows, columns) = (d.int(1, 5) as usize, d.int(1, 5) as usize);
    let (inner, kind) = (d.size(), numbers(d));
    let [a, b] = batches(d);
    let a = if d.rarely(8) { vec![inner] } else { [a, vec![rows, inner]].concat() };
    let b = if d.rarely(8) { vec![inner] } else { [b, vec![inner, columns]].concat() };
    let (a, b) = (d.floats(&a, kind), d.floats(&b, kind));
    let case = d.input(case(op), a);
    d.input(case, b)
}

fn det(op: &'static str, d: &mut Draw) -> Case {
    let (rows, outer) = (d.int(1, 6) as usize, d.below(3));
    let mut shape: Vec<usize> = (0..outer).map(|_| d.int(1, 3) as usize).collect();
    shape.extend([rows, rows]);
    case(op).given(d.floats(&shape, Numbers::Plain))
}

fn fused(op: &'static str, d: &mut Draw) -> Case {
    let (rows, inner, columns, batch) = (d.int(1, 4), d.int(1, 4), d.int(1, 4), d.int(1, 3));
    let rank = d.int(2, 3);
    let transposed = [d.flag(), d.flag()];
    let moved = [0, 1].map(|_| rank == 3 && d.rarely(4));
    let shape = |i: usize, row: i64, column: i64| {
        let (row, column) = if transposed[i] { (column, row) } else { (row, column) };
        let shape = match (rank, moved[i]) {
            (2, _) => vec![row, column],
            (_, false) => vec![batch, row, column],
            (_, true) => vec![row, batch, column],
        };
        shape.into_iter().map(|s| s as usize).collect::<Vec<_>>()
    };
    let a = d.floats(&shape(0, rows, inner), Numbers::Plain);
    let b = d.floats(&shape(1, inner, columns), Numbers::Plain);
    let case = d.input(case(op), a);
    let mut case = d.input(case, b);
    let names = ["transA", "transB", "transBatchA", "transBatchB"];
    for (name, set) in names.into_iter().zip(transposed.into_iter().chain(moved)) {
        case = if set { case.int(name, 1) } else { case };
    }
    if d.flag() { case.float("alpha", d.of(&[0.5, -2.0])) } else { case }
}

fn gemm(op: &'static str, d: &mut Draw) -> Case {
    let (rows, inner, columns) = (d.size(), d.size(), d.size());
    let (kind, [a, b]) = (numbers(d), [d.flag(), d.flag()]);
    let shape = |transposed, row, column| if transposed { [column, row] } else { [row, column] };
    let left = d.floats(&shape(a, rows, inner), kind);
    let right = d.floats(&shape(b, inner, columns), kind);
    let case = d.input(case(op), left);
    let mut case = d.input(case, right);
    let summand = [&[][..], &[1], &[columns], &[1, columns], &[rows, 1], &[rows, columns]];
    let shape = d.of(&summand);
    let summand = d.floats(shape, kind);
    case = d.optional(case, summand);
    for (name, value) in [("alpha", d.of(&[1.0, 0.5, 0.0])), ("beta", d.of(&[1.0, -2.0, 0.0]))] {
        case = if d.flag() { case.float(name, value) } else { case };
    }
    for (name, set) in [("transA", a), ("transB", b)] {
        case = if set || d.flag() { case.int(name, i64::from(set)) } else { case };
    }
    case
}

const EQUATIONS: &[&str] = &[
    "ij->ji",
    "ij,jk->ik",
    "ij,jk",
    "bij,bjk->bik",
    "ij,kj->ik",
    "i,j->ij",
    "ij->",
    "ij->i",
    "ij->j",
    "bhqd,bhkd->bhqk",
    "bhqk,bhkd->bqhd",
    "...ij,...jk->...ik",
    "bij,jk->bik",
    "ij,ij->ij",
    "ij,i->ij",
    "ij,ij->",
    "i,i->",
    "i,i",
    " ij , jk -> ik ",
    "ba,cb",
    "...i->...",
    "ij,jk,kl->il",
    "bci,bcj->bij",
    "ii->i",
    "ii",
    "...ij->...ji",
    "bnqc,ckh->bnqkh",
];

fn einsum(op: &'static str, d: &mut Draw) -> Case {
    let (equation, kind) = (d.of(EQUATIONS), numbers(d));
    let sizes = d.list(26, 1, 4);
    let outer = d.list(2, 1, 3);
    let terms = equation.split("->").next().unwrap_or_default();
    let mut case = case(op).string("equation", equation);
    for term in terms.split(',') {
        let term = term.trim();
        let mut shape: Vec<usize> = Vec::new();
        if term.starts_with("...") {
            shape.extend(outer.iter().map(|s| *s as usize));
        }
        let letters = term.bytes().filter(u8::is_ascii_lowercase);
        shape.extend(letters.map(|letter| sizes[usize::from(letter - b'a')] as usize));
        let x = d.floats(&shape, kind);
        case = d.input(case, x);
    }
    case
}
