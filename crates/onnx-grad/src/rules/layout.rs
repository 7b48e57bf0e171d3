//! Differentiates operators that rearrange or repeat all elements.

use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::DType;

/// y = x in another shape, so dx = dy in the shape of x.
pub(super) fn reshape<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()?.reshape(&n.x(0)?.shape()))
}

/// y = x with axes reordered, so dx = dy with the order undone.
pub(super) fn transpose<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let rank = n.x(0)?.rank();
    let order = match n.ints("perm") {
        Some(perm) => perm.iter().map(|a| n.axis(*a, rank)).collect::<Result<Vec<_>>>()?,
        None => (0..rank).rev().collect(),
    };
    let inverse: Option<Vec<usize>> =
        (0..rank).map(|axis| order.iter().position(|a| *a == axis)).collect();
    let inverse = inverse.ok_or_else(|| {
        n.unsupported(format!("perm is {order:?}, expected a permutation of {rank} axes"))
    })?;
    Ok(n.dy()?.transpose(&inverse))
}

/// y = x broadcast to a shape, so dx = dy, which the reverse sweep sums to the shape of x.
pub(super) fn expand<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    n.dy()
}

/// y = r copies of x along each axis, so dx = the sum of dy over the copies.
pub(super) fn tile<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let shape = n.x(0)?.shape();
    let repeats = n.const_ints(1)?.unwrap_or_default();
    let dy = n.dy()?;
    let tiled: Option<Vec<usize>> = (shape.iter().zip(&repeats))
        .map(|(size, repeat)| usize::try_from(*repeat).ok()?.checked_mul(*size))
        .collect();
    if repeats.len() != shape.len() || tiled != Some(dy.shape()) {
        return Err(
            n.unsupported(format!("repeats {repeats:?} do not match an input of shape {shape:?}"))
        );
    }
    let mut split = Vec::new();
    let mut copies = Vec::new();
    for (size, repeat) in shape.iter().zip(repeats) {
        if repeat != 1 {
            copies.push(split.len());
            split.push(repeat as usize);
        }
        split.push(*size);
    }
    Ok(dy.reshape(&split).sum(&copies).reshape(&shape))
}

/// y = the inputs concatenated, so dx = the input's part of dy.
pub(super) fn concat<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let dy = n.dy()?;
    let axis = n.axis(n.int("axis", 0), dy.rank())?;
    let size = |j| n.x(j).map(|x| x.shape().get(axis).copied().unwrap_or(0));
    let start = (0..i).map(size).sum::<Result<usize>>()?;
    Ok(dy.slice(axis, start, size(i)?, 1))
}

/// y_j = part j of x, so dx = the parts dy_j concatenated, with zeros for parts without a
/// cotangent.
pub(super) fn split<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let shape = n.x(0)?.shape();
    let axis = n.axis(n.int("axis", 0), shape.len())?;
    let mut parts = Vec::new();
    let mut part_shape = shape.clone();
    for (j, size) in split_sizes(n, shape[axis])?.into_iter().enumerate() {
        part_shape[axis] = size;
        if size > 0 {
            parts.push(n.dy_at(j).unwrap_or_else(|| n.tape().zeros(&part_shape)));
        }
    }
    match parts.as_slice() {
        [whole] => Ok(*whole),
        _ => Ok(n.tape().concat(&parts, axis)),
    }
}

/// The sizes of the parts: as given, or equal except for a last one that may be smaller.
fn split_sizes(n: &Vjp<'_>, size: usize) -> Result<Vec<usize>> {
    let sizes: Vec<usize> = match n.const_ints(1)? {
        Some(sizes) => sizes.iter().map(|s| usize::try_from(*s).unwrap_or(0)).collect(),
        None => {
            let each = size.div_ceil(n.outputs().max(1));
            (0..n.outputs()).map(|j| each.min(size.saturating_sub(j * each))).collect()
        }
    };
    let fits = sizes.len() == n.outputs()
        && sizes.iter().try_fold(0usize, |a, s| a.checked_add(*s)) == Some(size);
    if fits {
        Ok(sizes)
    } else {
        Err(n.unsupported(format!("parts of sizes {sizes:?} do not make up an axis of {size}")))
    }
}

/// y = channels rearranged into blocks of the plane, so dx = dy with the blocks put back into
/// channels.
pub(super) fn depth_to_space<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let dy = n.dy()?;
    let block = usize::try_from(n.int("blocksize", 0)).unwrap_or(0);
    let (x, y) = (n.x(0)?.shape(), dy.shape());
    let (&[batch, channels, height, width], [_, out_channels, _, _]) = (x.as_slice(), y.as_slice())
    else {
        return Err(n.unsupported("inputs must have four axes"));
    };
    if block.checked_pow(2).and_then(|b| b.checked_mul(*out_channels)) != Some(channels) {
        return Err(n.unsupported(format!(
            "{channels} channels cannot be rearranged into blocks of {block} by {block}"
        )));
    }
    let split = dy.reshape(&[batch, *out_channels, height, block, width, block]);
    let collected = match n.string("mode", "DCR") {
        "DCR" => split.transpose(&[0, 3, 5, 1, 2, 4]),
        "CRD" => split.transpose(&[0, 1, 3, 5, 2, 4]),
        other => return Err(n.unsupported(format!("mode '{other}' is not supported"))),
    };
    Ok(collected.reshape(&x))
}

/// y = the triangle of x above or below a diagonal, so dx = the same triangle of dy.
pub(super) fn trilu<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let dy = n.dy()?;
    let upper = ("upper", Attribute::Int(n.int("upper", 1)));
    Ok(n.tape().op("Trilu", &[Some(dy), n.optional(1)], &[upper], DType::F32, dy.shape()))
}

/// y = x cut down, or extended by zeros, to given sizes along some axes, about its centre.
pub(super) fn center_crop_pad<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let mut y = n.x(0)?;
    let sizes = n.const_ints(1)?.unwrap_or_default();
    let axes = n.ints("axes").unwrap_or_else(|| (0..y.rank() as i64).collect());
    if sizes.len() != axes.len() {
        return Err(n.unsupported(format!("sizes {sizes:?} do not match axes {axes:?}")));
    }
    for (axis, size) in axes.iter().zip(sizes) {
        let axis = n.axis(*axis, y.rank())?;
        let wanted = usize::try_from(size).unwrap_or(0);
        let found = y.shape()[axis];
        if wanted <= found {
            y = y.slice(axis, (found - wanted) / 2, wanted, 1);
        } else {
            let (mut begin, mut end) = (vec![0; y.rank()], vec![0; y.rank()]);
            begin[axis] = (wanted - found) / 2;
            end[axis] = wanted - found - begin[axis];
            y = y.pad(&begin, &end, 0.0);
        }
    }
    Ok(y)
}

/// y = x with the first elements along the time axis, as many as a constant says for each place of
/// the batch axis, in reverse order.
pub(super) fn reverse_sequence<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    let shape = x.shape();
    let batch = n.axis(n.int("batch_axis", 1), shape.len())?;
    let time = n.axis(n.int("time_axis", 0), shape.len())?;
    let (count, steps) = (shape[batch], shape[time]);
    let lengths = n.const_ints(1)?.unwrap_or_default();
    let fits = |length: &i64| usize::try_from(*length).ok().filter(|length| *length <= steps);
    let lengths: Vec<usize> = lengths.iter().filter_map(fits).collect();
    if batch == time || lengths.len() != count {
        return Err(n.unsupported(format!(
            "sequence_lens must be {count} numbers from 0 to {steps}, and axes must differ"
        )));
    }
    let place = |length: usize, t: usize| if t < length { length - 1 - t } else { t };
    let each = lengths.iter().enumerate();
    let sources: Vec<usize> =
        each.flat_map(|(i, l)| (0..steps).map(move |t| i * steps + place(*l, t))).collect();

    let others = (0..shape.len()).filter(|a| *a != batch && *a != time);
    let order: Vec<usize> = [batch, time].into_iter().chain(others).collect();
    let back: Vec<usize> =
        (0..shape.len()).map(|a| order.iter().position(|o| *o == a).unwrap_or(0)).collect();
    let moved = x.transpose(&order);
    let rows = [&[count * steps], &moved.shape()[2..]].concat();
    let y = moved.reshape(&rows).gather(0, &sources);
    Ok(y.reshape(&moved.shape()).transpose(&back))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::tensor::Tensor;
    use crate::testing::case;
    let k = Tensor::from_bytes(DType::I64, vec![], 1i64.to_le_bytes().to_vec().into()).unwrap();
    let cases = vec![
        case("CenterCropPad").x(&[5, 3, 4]).const_ints(&[2, 6, 4]),
        case("CenterCropPad").x(&[5, 3, 4]).const_ints(&[7, 4]).ints("axes", &[-1, 0]),
        case("Concat").x(&[2, 3]).x(&[2, 1]).x(&[2, 2]).int("axis", 1),
        case("Concat").x(&[2, 3]).x(&[4, 3]).int("axis", -2),
        case("Concat").x(&[2]).int("axis", 0),
        case("DepthToSpace").x(&[2, 12, 2, 3]).int("blocksize", 2),
        case("DepthToSpace").x(&[2, 12, 2, 3]).int("blocksize", 2).string("mode", "CRD"),
        case("Expand").x(&[3, 1]).const_ints(&[2, 1, 4]),
        case("Expand").x(&[2, 3]).const_ints(&[1]),
        case("Expand").x(&[]).const_ints(&[2, 3]),
        case("Flatten").x(&[2, 3, 4]),
        case("Flatten").x(&[2, 3, 4]).int("axis", 0),
        case("Flatten").x(&[2, 3, 4]).int("axis", -1),
        case("Reshape").x(&[2, 3, 4]).const_ints(&[0, -1]),
        case("Reshape").x(&[2, 3]).const_ints(&[3, 2]).int("allowzero", 1),
        case("Reshape").x(&[1]).const_ints(&[]),
        case("ReverseSequence").x(&[4, 2, 3]).const_ints(&[3, 2]),
        case("ReverseSequence")
            .x(&[2, 3, 4])
            .const_ints(&[4, 0])
            .int("batch_axis", 0)
            .int("time_axis", 2),
        case("Split").x(&[2, 6]).int("axis", 1).int("num_outputs", 3).outputs(3),
        case("Split").x(&[2, 7]).int("axis", -1).int("num_outputs", 3).outputs(3),
        case("Split").x(&[5, 2]).const_ints(&[1, 3, 1]).outputs(3),
        case("Split").x(&[5, 2]).const_ints(&[5]),
        case("Squeeze").x(&[1, 2, 1]),
        case("Squeeze").x(&[1, 2, 1]).const_ints(&[-1]),
        case("Tile").x(&[2, 3]).const_ints(&[2, 3]),
        case("Tile").x(&[2, 1, 3]).const_ints(&[1, 2, 1]),
        case("Tile").x(&[2, 3]).const_ints(&[1, 1]),
        case("Transpose").x(&[2, 3, 4]),
        case("Transpose").x(&[2, 3, 4]).ints("perm", &[1, 2, 0]),
        case("Trilu").x(&[2, 3, 4]),
        case("Trilu").x(&[3, 4]).constant(k).int("upper", 0),
        case("Unsqueeze").x(&[2, 3]).const_ints(&[0, -1]),
    ];
    cases.into_iter().map(crate::testing::Case::linear).collect()
}

#[cfg(test)]
mod tests {
    use crate::tape::Tape;
    use crate::testing::{case, infer_shapes, run};

    #[test]
    fn parts_without_a_cotangent_get_zeros() {
        let (mut graph, inputs, outputs) =
            case("Split").x(&[5]).const_ints(&[1, 3, 1]).outputs(3).graph();
        infer_shapes(&mut graph);
        let tape = Tape::new(graph);
        let dx =
            crate::vjp(&tape, tape.var(outputs[1]), tape.scalar(1.0).expand(&[3]), &[inputs[0].0]);
        let dx = dx[0].clone().unwrap().unwrap().id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[dx]);
        let dx = run(&graph, &[(inputs[0].0, &inputs[0].1)]).remove(0);
        assert_eq!(dx.to_f32s().unwrap(), [0.0, 1.0, 1.0, 1.0, 0.0]);
    }
}
