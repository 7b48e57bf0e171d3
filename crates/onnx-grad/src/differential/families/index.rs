//! Operators that read or write elements by their indices.

use super::FEW;
use crate::differential::draw::{Draw, Numbers, integers};
use crate::differential::search::{Operator, search};
use crate::tensor::{DType, Tensor};
use crate::testing::{Case, case};

pub(super) const INDEX: &[Operator] = &[
    ("Gather", gather),
    ("GatherElements", gather_elements),
    ("GatherND", gather_nd),
    ("MaxUnpool", max_unpool),
    ("ScatterElements", scatter_elements),
    ("ScatterND", scatter_nd),
];

#[test]
fn index() {
    search(FEW, INDEX);
}

fn numbers(d: &mut Draw) -> Numbers {
    d.of(&[Numbers::Plain, Numbers::Ties, Numbers::Special])
}

/// Sizes of which none is zero, as there are indices for each.
fn filled(d: &mut Draw, low: i64, high: i64) -> Vec<usize> {
    let rank = d.int(low, high) as usize;
    d.list(rank, 1, 4).into_iter().map(|s| s as usize).collect()
}

fn index_type(d: &mut Draw) -> DType {
    d.of(&[DType::I64, DType::I32])
}

fn gather(op: &'static str, d: &mut Draw) -> Case {
    let (shape, indices, dtype, kind) = (filled(d, 1, 3), d.shape(0, 2), index_type(d), numbers(d));
    let axis = d.axis(shape.len());
    let size = shape[axis.rem_euclid(shape.len() as i64) as usize] as i64;
    let x = d.floats(&shape, kind);
    let indices = d.integers(dtype, &indices, -size, size - 1);
    let case = d.input(case(op), x).constant(indices);
    if axis == 0 && d.flag() { case } else { case.int("axis", axis) }
}

fn gather_elements(op: &'static str, d: &mut Draw) -> Case {
    let (shape, dtype, kind) = (filled(d, 1, 3), index_type(d), numbers(d));
    let axis = d.axis(shape.len());
    let at = axis.rem_euclid(shape.len() as i64) as usize;
    let size = shape[at] as i64;
    let mut of_indices: Vec<usize> = shape.iter().map(|s| s - d.below(*s)).collect();
    of_indices[at] = d.size();
    let x = d.floats(&shape, kind);
    let indices = d.integers(dtype, &of_indices, -size, size - 1);
    let case = d.input(case(op), x).constant(indices);
    if axis == 0 && d.flag() { case } else { case.int("axis", axis) }
}

/// Indices of so many leading sizes each.
fn tuples(d: &mut Draw, outer: &[usize], sizes: &[usize]) -> Tensor {
    let count: usize = outer.iter().product();
    let negative = d.flag();
    let data: Vec<i64> = (0..count)
        .flat_map(|_| sizes.iter().map(|s| *s as i64).collect::<Vec<_>>())
        .map(|s| d.int(if negative { -s } else { 0 }, s - 1))
        .collect();
    integers(DType::I64, &[outer, &[sizes.len()]].concat(), &data)
}

fn gather_nd(op: &'static str, d: &mut Draw) -> Case {
    let (shape, kind) = (filled(d, 1, 4), numbers(d));
    let batch = d.below(shape.len());
    let depth = d.int(1, (shape.len() - batch) as i64) as usize;
    let mut outer = shape[..batch].to_vec();
    outer.extend(filled(d, 0, 1));
    let indices = tuples(d, &outer, &shape[batch..batch + depth]);
    let x = d.floats(&shape, kind);
    let case = d.input(case(op), x).constant(indices);
    if batch == 0 && d.flag() { case } else { case.int("batch_dims", batch as i64) }
}

/// Numbers that can be ordered: the standard does not say where NaN is. The gradient of a product
/// divides by its factors.
fn ordered(reduction: &str, d: &mut Draw) -> Numbers {
    let all = [Numbers::Plain, Numbers::Ties, Numbers::Infinite];
    d.of(if reduction == "mul" { &all[..1] } else { &all })
}

const REDUCTIONS: &[&str] = &["none", "add", "mul", "max", "min"];

/// Indices that repeat only if elements are reduced: otherwise the order decides.
fn scatter_elements(op: &'static str, d: &mut Draw) -> Case {
    let (shape, dtype, reduction) = (filled(d, 1, 3), index_type(d), d.of(REDUCTIONS));
    let kind = ordered(reduction, d);
    let axis = d.axis(shape.len());
    let at = axis.rem_euclid(shape.len() as i64) as usize;
    let size = shape[at];
    let mut of_indices: Vec<usize> = shape.iter().map(|s| s - d.below(*s)).collect();
    if reduction != "none" {
        of_indices[at] = d.size();
    }
    let indices = if reduction == "none" {
        let (order, inner) = (d.order(size), of_indices[at + 1..].iter().product::<usize>());
        let count: usize = of_indices.iter().product();
        let data: Vec<i64> = (0..count).map(|i| order[i / inner % of_indices[at]]).collect();
        integers(dtype, &of_indices, &data)
    } else {
        d.integers(dtype, &of_indices, -(size as i64), size as i64 - 1)
    };
    let (x, updates) = (d.floats(&shape, kind), d.floats(&of_indices, kind));
    let case = d.input(case(op), x).constant(indices);
    let case = d.input(case, updates);
    let case = if axis == 0 && d.flag() { case } else { case.int("axis", axis) };
    match reduction {
        "none" if d.flag() => case.opset(d.of(&[21, 11, 16])),
        _ => case.string("reduction", reduction),
    }
}

fn scatter_nd(op: &'static str, d: &mut Draw) -> Case {
    let (shape, reduction) = (filled(d, 1, 3), d.of(REDUCTIONS));
    let kind = ordered(reduction, d);
    let depth = d.int(1, shape.len() as i64) as usize;
    let (outer, indices) = if reduction == "none" {
        // The first index of each tuple differs.
        let order = d.order(shape[0]);
        let count = d.int(1, shape[0] as i64) as usize;
        let mut data = Vec::new();
        for first in order.iter().take(count) {
            data.push(*first);
            data.extend(shape[1..depth].iter().map(|s| d.int(0, *s as i64 - 1)));
        }
        (vec![count], integers(DType::I64, &[count, depth], &data))
    } else {
        let outer = filled(d, 0, 2);
        let indices = tuples(d, &outer, &shape[..depth]);
        (outer, indices)
    };
    let updates = d.floats(&[&outer, &shape[depth..]].concat(), kind);
    let x = d.floats(&shape, kind);
    let case = d.input(case(op), x).constant(indices);
    let case = d.input(case, updates);
    if reduction == "none" && d.flag() { case } else { case.string("reduction", reduction) }
}

/// Elements at different places of an image that pooling made smaller.
fn max_unpool(op: &'static str, d: &mut Draw) -> Case {
    let axes: usize = d.of(&[2, 2, 1]);
    let shape: Vec<usize> =
        [1, d.of(&[1, 2])].into_iter().chain((0..axes).map(|_| d.of(&[1, 2, 3]))).collect();
    let (kernel, strides) = (d.list(axes, 2, 3), d.list(axes, 1, 3));
    let pads = d.list(2 * axes, 0, 1);
    let size = |i: usize| {
        let (begin, end) = (pads[i], pads[axes + i]);
        (shape[i + 2] as i64 - 1) * strides[i] + kernel[i] - begin - end
    };
    let whole: i64 = (0..axes).map(size).product::<i64>() * shape[1] as i64;
    let count: usize = shape.iter().product();
    if (0..axes).any(|i| size(i) < 1) || whole < count as i64 {
        return max_unpool(op, d);
    }
    let places = d.order(whole as usize);
    let indices = integers(DType::I64, &shape, &places[..count]);
    let x = d.floats(&shape, Numbers::Plain);
    let case = case(op).given(x).constant(indices).ints("kernel_shape", &kernel);
    case.ints("strides", &strides).ints("pads", &pads)
}
