//! Differentiates slicing and padding.

use super::gather::collect;
use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::tape::Var;

/// The `count` elements start, start + step, ... along one axis.
#[derive(Clone, Copy)]
struct Range {
    start: usize,
    step: i64,
    count: usize,
}

/// y = every step-th element of x from start on, so dx = dy with zeros between and around its
/// elements.
pub(super) fn slice<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let mut dx = n.dy()?;
    let shape = n.x(0)?.shape();
    let ranges = ranges(n, &shape)?;
    if ranges.iter().any(|r| r.count == 0) {
        return Ok(n.tape().zeros(&shape));
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (axis, (range, size)) in ranges.iter().zip(&shape).enumerate() {
        let step = usize::try_from(range.step.unsigned_abs()).unwrap_or(usize::MAX);
        let extent = (range.count - 1) * step;
        let first = if range.step < 0 { range.start - extent } else { range.start };
        if range.step < 0 {
            dx = dx.reversed(axis);
        }
        if range.count > 1 {
            dx = dx.dilate(axis, step);
        }
        before.push(first);
        after.push(size - first - extent - 1);
    }
    Ok(dx.pad(&before, &after, 0.0))
}

/// The range that a Slice node takes along each axis of a value of this shape.
fn ranges(n: &NodeView<'_>, shape: &[usize]) -> Result<Vec<Range>> {
    let needed = |i| n.const_ints(i)?.ok_or_else(|| n.unsupported(format!("input {i} is missing")));
    let (starts, ends) = (needed(1)?, needed(2)?);
    let axes = n.const_ints(3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = n.const_ints(4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(n.unsupported("starts, ends, axes and steps must have the same length"));
    }
    let mut ranges: Vec<Range> =
        shape.iter().map(|size| Range { start: 0, step: 1, count: *size }).collect();
    let mut seen = vec![false; shape.len()];
    for (((start, end), axis), step) in starts.iter().zip(ends).zip(axes).zip(steps) {
        let axis = n.axis(axis, shape.len())?;
        if std::mem::replace(&mut seen[axis], true) || step == 0 {
            return Err(n.unsupported("steps must not be 0, and axes must differ"));
        }
        ranges[axis] = range(*start, end, step, shape[axis]);
    }
    Ok(ranges)
}

/// Resolves start and end as ONNX does: negative ones count from the end, and all are clamped.
fn range(start: i64, end: i64, step: i64, size: usize) -> Range {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let resolve =
        |i: i64, low, high| if i < 0 { i.saturating_add(size) } else { i }.clamp(low, high);
    let span = if step > 0 {
        let start = resolve(start, 0, size);
        (start, resolve(end, 0, size) - start)
    } else {
        // In reverse, the end may lie just before the first element.
        let start = resolve(start, 0, (size - 1).max(0));
        (start, start - resolve(end, -1, (size - 1).max(-1)))
    };
    let (start, length) = span;
    let empty = length <= 0 || size == 0;
    let count = if empty { 0 } else { (length as u64).div_ceil(step.unsigned_abs()) };
    Range { start: start as usize, step, count: count as usize }
}

/// y = x with padding that is constant or repeats elements of x (or x cropped, by negative pads),
/// so dx = dy without the padding, and the padding's dy is added to the elements that it repeats.
/// The constant gets what does not go to x.
pub(super) fn pad<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let mut dx = n.dy()?;
    let shape = n.x(0)?.shape();
    let mode = n.string("mode", "constant");
    for (axis, (begin, end)) in pads(n, shape.len())?.into_iter().enumerate() {
        if (begin, end) != (0, 0) {
            let padded = dx.shape().get(axis).copied().unwrap_or(0);
            let sources = sources(n, mode, shape[axis], (begin, end), padded)?;
            dx = collect(dx, axis, &sources, shape[axis]);
        }
    }
    if i == 2 {
        let whole = |x: Var<'g>| x.sum(&(0..shape.len()).collect::<Vec<_>>());
        return Ok((whole(n.dy()?) - whole(dx)).reshape(&n.x(2)?.shape()));
    }
    Ok(dx)
}

/// y = the elements of x that padding repeats, axis by axis, if other axes than the last two are padded
/// by repeated elements, which rten lacks.
pub(super) fn repeated<'g>(n: &NodeView<'g>) -> Result<Option<Var<'g>>> {
    let (x, padded, mode) = (n.x(0)?, n.y()?.shape(), n.string("mode", "constant"));
    let shape = x.shape();
    let outer = 0..shape.len().saturating_sub(2);
    if mode == "constant" || padded.len() != shape.len() || padded[outer.clone()] == shape[outer] {
        return Ok(None);
    }
    let gather = |y: Var<'g>, (axis, pads): (usize, (i64, i64))| {
        if pads == (0, 0) {
            return Ok(y);
        }
        let indices = sources(n, mode, shape[axis], pads, padded[axis])?;
        Ok(y.gather(axis, &indices.into_iter().flatten().collect::<Vec<_>>()))
    };
    pads(n, shape.len())?.into_iter().enumerate().try_fold(x, gather).map(Some)
}

/// The number of elements that are added before and after each axis.
fn pads(n: &NodeView<'_>, rank: usize) -> Result<Vec<(i64, i64)>> {
    let pads = n.const_ints(1)?.unwrap_or_default();
    let axes = n.const_ints(3)?.unwrap_or_else(|| (0..rank as i64).collect());
    if pads.len() != 2 * axes.len() {
        return Err(n.unsupported(format!(
            "there are {} pads for {} axes, expected {}",
            pads.len(),
            axes.len(),
            2 * axes.len()
        )));
    }
    let (begins, ends) = pads.split_at(axes.len());
    let mut of_axes = vec![(0, 0); rank];
    for (axis, (begin, end)) in axes.iter().zip(begins.iter().zip(ends)) {
        of_axes[n.axis(*axis, rank)?] = (*begin, *end);
    }
    Ok(of_axes)
}

/// For each of the `padded` elements along an axis, the index among `size` elements that it
/// repeats; `None` for constant padding.
fn sources(
    n: &NodeView<'_>,
    mode: &str,
    size: usize,
    (begin, end): (i64, i64),
    padded: usize,
) -> Result<Vec<Option<usize>>> {
    let error = || {
        n.unsupported(format!(
            "mode '{mode}' is not supported with pads of {begin} and {end} around {size} elements"
        ))
    };
    let fits = begin.saturating_add(end).saturating_add(size as i64) == padded as i64;
    let cropped = begin < 0 || end < 0;
    if !fits || size == 0 || (cropped && mode != "constant") {
        return Err(error());
    }
    let last = size as i64 - 1;
    let source = |i: i64| match mode {
        _ if (0..=last).contains(&i) => Ok(Some(i)),
        "constant" => Ok(None),
        "edge" => Ok(Some(i.clamp(0, last))),
        // Engines differ in the elements beyond one reflection.
        "reflect" if (-last..=2 * last).contains(&i) => Ok(Some(last - (last - i.abs()).abs())),
        "wrap" => Ok(Some(i.rem_euclid(size as i64))),
        _ => Err(error()),
    };
    (0..padded as i64).map(|i| Ok(source(i - begin)?.map(|s| s as usize))).collect()
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::{Case, case};
    let slice =
        |starts: &[i64], ends: &[i64]| case("Slice").x(&[4, 7]).const_ints(starts).const_ints(ends);
    let pad =
        |mode: &str, pads: &[i64]| case("Pad").x(&[2, 3, 4]).string("mode", mode).const_ints(pads);
    let cases = vec![
        slice(&[1, 2], &[3, 7]),
        slice(&[-3], &[-1]).const_ints(&[0]),
        slice(&[-100, 2], &[i64::MAX, 100]),
        slice(&[1], &[i64::MAX]).const_ints(&[-1]),
        slice(&[1], &[-1]).const_ints(&[1]).const_ints(&[3]),
        slice(&[0, 1], &[4, 7]).const_ints(&[0, 1]).const_ints(&[2, 2]),
        slice(&[1], &[2]).const_ints(&[1]).const_ints(&[5]),
        slice(&[-1], &[i64::MIN]).const_ints(&[1]).const_ints(&[-1]),
        slice(&[5], &[0]).const_ints(&[1]).const_ints(&[-2]),
        slice(&[3, 100], &[0, -8]).const_ints(&[0, 1]).const_ints(&[-1, -3]),
        slice(&[0, 6], &[3, 1]).missing().const_ints(&[2, -2]),
        pad("constant", &[0, 1, 2, 0, 0, 3]).scalar(0.5),
        pad("constant", &[0, -1, 2, 0, 1, -2]),
        pad("constant", &[0, 1, 2, 0, 0, 3]).x(&[]),
        pad("constant", &[0, -1, 2, 0, 1, -2]).x(&[]),
        case("Pad").x(&[2, 3]).const_ints(&[0, 0, 0, 0]),
        pad("edge", &[0, 1, 2, 0, 0, 3]),
        pad("edge", &[1, 0, 2, 0, 0, 3]),
        pad("reflect", &[0, 1, 2, 0, 2, 3]),
        pad("wrap", &[0, 1, 2, 0, 3, 3]),
    ];
    cases.into_iter().map(Case::linear).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeId;
    use crate::tape::Tape;
    use crate::testing::case;

    #[test]
    fn pads_may_be_given_for_some_axes_only() {
        let pads_of = |axes: &[i64]| {
            let pad = case("Pad").x(&[2, 3]).const_ints(&[1, 2]).missing().const_ints(axes);
            let graph = pad.graph().0;
            let node = graph.node(NodeId(0)).clone();
            pads(&NodeView { tape: &Tape::new(graph), node }, 2)
        };
        assert_eq!(pads_of(&[-1]).unwrap(), [(0, 0), (1, 2)]);
        assert_eq!(pads_of(&[0]).unwrap(), [(1, 2), (0, 0)]);
        assert!(pads_of(&[0, 1]).is_err());
        assert!(pads_of(&[2]).is_err());
    }

    #[test]
    fn ranges_are_clamped_as_onnx_says() {
        let indices = |start, end, step, size| {
            let r = range(start, end, step, size);
            (0..r.count as i64).map(|i| r.start as i64 + i * r.step).collect::<Vec<_>>()
        };
        assert_eq!(indices(0, i64::MAX, 1, 3), [0, 1, 2]);
        assert_eq!(indices(-2, i64::MAX, 1, 3), [1, 2]);
        assert_eq!(indices(-9, 9, 2, 4), [0, 2]);
        assert_eq!(indices(i64::MAX, i64::MIN, -1, 3), [2, 1, 0]);
        assert_eq!(indices(-1, 0, -2, 4), [3, 1]);
        assert_eq!(indices(2, 1, 1, 3), [0; 0]);
        assert_eq!(indices(0, 9, 1, 0), [0; 0]);
        assert_eq!(indices(0, -9, -1, 0), [0; 0]);
        assert_eq!(indices(2, i64::MIN, i64::MIN, 3), [2]);
    }
}
