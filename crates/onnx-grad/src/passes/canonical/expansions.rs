//! Expands operators in which engines differ into operators in which they agree.

use super::rewriter::{Rewriter, axis};
use crate::error::Result;
use crate::graph::Attribute;
use crate::tensor::{DType, Tensor};

/// The largest block of SpaceToDepth, as the number of nodes grows with its square.
const LARGEST_BLOCK: i64 = 16;

/// The index of the first of several equal extrema, or of the last if `select_last_index` says so.
/// TopK takes the first in all engines; rten's ArgMax and ArgMin always take the last.
pub(super) fn arg_extremum(mut rewriter: Rewriter<'_>, largest: i64) -> Result<()> {
    let (mut x, along) = (rewriter.x(0)?, rewriter.int("axis", 0));
    let [one, axes] = [1, along].map(|i| rewriter.ints(&[i]));
    let from_last = rewriter.int("select_last_index", 0) != 0;
    let given = x;
    if from_last {
        let [start, end, step] = [-1, i64::MIN + 1, -1].map(|i| rewriter.ints(&[i]));
        x = rewriter.op("Slice", &[x, start, end, axes, step], &[]);
    }
    let largest = [("axis", Attribute::Int(along)), ("largest", Attribute::Int(largest))];
    let mut indices = rewriter.second_output("TopK", &[x, one], &largest);
    if from_last {
        let shape = rewriter.op("Shape", &[given], &[]);
        let size = rewriter.op("Gather", &[shape, axes], &axis(0));
        let last = rewriter.op("Sub", &[size, one], &[]);
        indices = rewriter.op("Sub", &[last, indices], &[]);
    }
    if rewriter.int("keepdims", 1) != 0 {
        rewriter.replace("Identity", &[indices], &[]);
    } else {
        rewriter.replace("Squeeze", &[indices, axes], &[]);
    }
    Ok(())
}

/// y = 1 at the first of the largest elements, and 0 elsewhere. (rten has no Hardmax.)
pub(super) fn hardmax(mut rewriter: Rewriter<'_>) -> Result<()> {
    let (x, along, one) = (rewriter.x(0)?, rewriter.int("axis", -1), rewriter.ints(&[1]));
    let filled = |value: f32| {
        let bytes = value.to_le_bytes().to_vec().into();
        let one = Tensor::from_bytes(DType::F32, vec![1], bytes);
        [("value", Attribute::Tensor(one.unwrap_or_else(|| Tensor::scalar(value))))]
    };
    let indices = rewriter.second_output("TopK", &[x, one], &axis(along));
    let (shape, shape_of_one) =
        (rewriter.op("Shape", &[x], &[]), rewriter.op("Shape", &[indices], &[]));
    let zeros = rewriter.op("ConstantOfShape", &[shape], &filled(0.0));
    let ones = rewriter.op("ConstantOfShape", &[shape_of_one], &filled(1.0));
    rewriter.replace("ScatterElements", &[zeros, indices, ones], &axis(along));
    Ok(())
}

/// y = (x - mean) / sqrt(var + epsilon) * scale + bias with the mean and variance of each channel
/// of x itself, as in `training_mode` 1. (Some networks standardise their weights in this way;
/// engines compute that once, as they load the model.)
pub(super) fn batch_statistics(mut rewriter: Rewriter<'_>) -> Result<()> {
    if rewriter.int("training_mode", 0) == 0 {
        return Ok(());
    }
    if rewriter.has_output(1) || rewriter.has_output(2) {
        return Err(rewriter.unsupported("outputs of running statistics are not supported"));
    }
    let (x, scale, bias) = (rewriter.x(0)?, rewriter.x(1)?, rewriter.x(2)?);
    // Maps become (N, C, all other axes), against which (C, 1) broadcasts.
    let (flat, others, last) =
        (rewriter.ints(&[0, 0, -1]), rewriter.ints(&[0, 2]), rewriter.ints(&[-1]));
    let epsilon = rewriter.float("epsilon", 1e-5);
    let epsilon = rewriter.scalar(epsilon);
    let keep = [("keepdims", Attribute::Int(1))];
    let maps = rewriter.op("Reshape", &[x, flat], &[]);
    let mean = rewriter.op("ReduceMean", &[maps, others], &keep);
    let centred = rewriter.op("Sub", &[maps, mean], &[]);
    let squared = rewriter.op("Mul", &[centred, centred], &[]);
    let variance = rewriter.op("ReduceMean", &[squared, others], &keep);
    let variance = rewriter.op("Add", &[variance, epsilon], &[]);
    let deviation = rewriter.op("Sqrt", &[variance], &[]);
    let standardised = rewriter.op("Div", &[centred, deviation], &[]);
    let scale = rewriter.op("Unsqueeze", &[scale, last], &[]);
    let bias = rewriter.op("Unsqueeze", &[bias, last], &[]);
    let scaled = rewriter.op("Mul", &[standardised, scale], &[]);
    let y = rewriter.op("Add", &[scaled, bias], &[]);
    let shape = rewriter.op("Shape", &[x], &[]);
    rewriter.replace("Reshape", &[y, shape], &[]);
    Ok(())
}

/// y = (x - mean) r * scale + bias with r = 1 / sqrt(var + epsilon) over the axes from `axis` on,
/// if the mean or r are outputs, too. (rten has y alone.)
pub(super) fn layer_statistics(mut rewriter: Rewriter<'_>) -> Result<()> {
    if !rewriter.has_output(1) && !rewriter.has_output(2) {
        return Ok(());
    }
    let (x, scale, from) = (rewriter.x(0)?, rewriter.x(1)?, rewriter.int("axis", -1));
    let (last, keep) = (rewriter.ints(&[-1]), [("keepdims", Attribute::Int(1))]);
    let epsilon = rewriter.float("epsilon", 1e-5);
    let (epsilon, one) = (rewriter.scalar(epsilon), rewriter.scalar(1.0));
    let rows = rewriter.op("Flatten", &[x], &axis(from));
    let mean = rewriter.op("ReduceMean", &[rows, last], &keep);
    let centred = rewriter.op("Sub", &[rows, mean], &[]);
    let squared = rewriter.op("Mul", &[centred, centred], &[]);
    let variance = rewriter.op("ReduceMean", &[squared, last], &keep);
    let variance = rewriter.op("Add", &[variance, epsilon], &[]);
    let deviation = rewriter.op("Sqrt", &[variance], &[]);
    let inverse = rewriter.op("Div", &[one, deviation], &[]);
    let standardised = rewriter.op("Mul", &[centred, inverse], &[]);

    let shape = rewriter.op("Shape", &[x], &[]);
    let (begin, end) = (rewriter.ints(&[0]), rewriter.ints(&[from]));
    let kept = rewriter.op("Slice", &[shape, begin, end], &[]);
    let reduced = if from < 0 {
        rewriter.ints(&[from.saturating_neg()])
    } else {
        let rank = rewriter.rank(x);
        rewriter.op("Sub", &[rank, end], &[])
    };
    let size = Attribute::Tensor(Tensor::from_i64s(&[1]));
    let ones = rewriter.op("ConstantOfShape", &[reduced], &[("value", size)]);
    let of_statistics = rewriter.op("Concat", &[kept, ones], &axis(0));
    rewriter.compute_output(1, "Reshape", &[mean, of_statistics]);
    rewriter.compute_output(2, "Reshape", &[inverse, of_statistics]);

    let mut y = rewriter.op("Reshape", &[standardised, shape], &[]);
    if let Some(bias) = rewriter.optional(2) {
        y = rewriter.op("Mul", &[y, scale], &[]);
        rewriter.replace("Add", &[y, bias], &[]);
    } else {
        rewriter.replace("Mul", &[y, scale], &[]);
    }
    Ok(())
}

/// Y = A b with a constant vector b, which stands for a matrix of one column; Y does not have that
/// axis. (In rten it does.)
pub(super) fn matrix_times_vector(mut rewriter: Rewriter<'_>) -> Result<()> {
    if rewriter.stored(1).is_some_and(|b| b.shape().len() == 1) {
        let (a, b, last) = (rewriter.x(0)?, rewriter.x(1)?, rewriter.ints(&[-1]));
        let column = rewriter.op("Unsqueeze", &[b, last], &[]);
        let product = rewriter.op("MatMul", &[a, column], &[]);
        rewriter.replace("Squeeze", &[product, last], &[]);
    }
    Ok(())
}

/// A reduction over no axes with `noop_with_empty_axes` 1 reduces nothing, but still computes what it
/// computes of each element.
pub(super) fn reduction_over_no_axes(rewriter: Rewriter<'_>) -> Result<()> {
    let none = match rewriter.optional(1) {
        Some(_) => rewriter.stored(1).is_some_and(|axes| axes.shape() == [0]),
        None => true,
    };
    if none && rewriter.int("noop_with_empty_axes", 0) != 0 {
        let x = rewriter.x(0)?;
        match rewriter.node.op.as_str() {
            "ReduceL1" | "ReduceL2" => rewriter.replace("Abs", &[x], &[]),
            "ReduceLogSum" => rewriter.replace("Log", &[x], &[]),
            "ReduceSumSquare" => rewriter.replace("Mul", &[x, x], &[]),
            _ => rewriter.replace("Identity", &[x], &[]),
        }
    }
    Ok(())
}

/// y = the elements of x along an axis, or of x flattened, at which a mask is true.
pub(super) fn compress(mut rewriter: Rewriter<'_>) -> Result<()> {
    let (mut x, mask, first) = (rewriter.x(0)?, rewriter.x(1)?, rewriter.ints(&[0]));
    if rewriter.node.attribute("axis").is_none() {
        let flat = rewriter.ints(&[-1]);
        x = rewriter.op("Reshape", &[x, flat], &[]);
    }
    let places = rewriter.op("NonZero", &[mask], &[]);
    let places = rewriter.op("Squeeze", &[places, first], &[]);
    let along = axis(rewriter.int("axis", 0));
    rewriter.replace("Gather", &[x, places], &along);
    Ok(())
}

/// y = the elements of x at each offset within a block: with mode DCR, the channels of one offset
/// after those of the other, with CRD, the offsets of one channel after those of the other.
pub(super) fn space_to_depth(mut rewriter: Rewriter<'_>) -> Result<()> {
    let block = rewriter.int("blocksize", 0);
    let by_offset = match rewriter.node.attribute("mode") {
        None => Some(true),
        Some(Attribute::String(mode)) if mode == "DCR" => Some(true),
        Some(Attribute::String(mode)) if mode == "CRD" => Some(false),
        _ => None,
    };
    let Some(by_offset) = by_offset.filter(|_| (1..=LARGEST_BLOCK).contains(&block)) else {
        return Err(rewriter
            .unsupported(format!("blocksize must be 1 to {LARGEST_BLOCK}, and mode DCR or CRD")));
    };
    let x = rewriter.x(0)?;
    let (ends, axes) = (rewriter.ints(&[i64::MAX; 2]), rewriter.ints(&[2, 3]));
    let steps = rewriter.ints(&[block; 2]);
    let mut offsets = Vec::new();
    for (row, column) in (0..block).flat_map(|r| (0..block).map(move |c| (r, c))) {
        let starts = rewriter.ints(&[row, column]);
        offsets.push(rewriter.op("Slice", &[x, starts, ends, axes, steps], &[]));
    }
    if by_offset {
        rewriter.replace("Concat", &offsets, &axis(1));
        return Ok(());
    }
    let [first, one, two, end] = [0, 1, 2, 4].map(|i| rewriter.ints(&[i]));
    let any = rewriter.ints(&[-1]);
    let shape = rewriter.op("Shape", &[offsets[0]], &[]);
    let batch = rewriter.op("Slice", &[shape, first, one], &[]);
    let map = rewriter.op("Slice", &[shape, two, end], &[]);
    let joined = rewriter.op("Concat", &[batch, any, map], &axis(0));
    let of_channel: Vec<_> =
        offsets.iter().map(|offset| rewriter.op("Unsqueeze", &[*offset, two], &[])).collect();
    let y = rewriter.op("Concat", &of_channel, &axis(2));
    rewriter.replace("Reshape", &[y, joined], &[]);
    Ok(())
}
