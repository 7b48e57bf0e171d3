//! Operators in which engines differ, written in those in which they do not.

use super::parts::{Parts, axis, to};
use crate::error::Result;
use crate::graph::Attribute;
use crate::tensor::{DType, Tensor};

/// A block this large makes so many nodes that a model with it is not meant well.
const LARGEST_BLOCK: i64 = 16;

/// Of several equal extrema the first counts, or the last if that is asked for. TopK says so and
/// engines follow it; rten's ArgMax and ArgMin take the last, whatever is asked for.
pub(super) fn one_of_equals(mut parts: Parts<'_>, largest: i64) -> Result<()> {
    let (mut x, along) = (parts.x(0)?, parts.int("axis", 0));
    let [one, axes] = [1, along].map(|i| parts.ints(&[i]));
    let from_last = parts.int("select_last_index", 0) != 0;
    let given = x;
    if from_last {
        let [start, end, step] = [-1, i64::MIN + 1, -1].map(|i| parts.ints(&[i]));
        x = parts.op("Slice", &[x, start, end, axes, step], &[]);
    }
    let largest = [("axis", Attribute::Int(along)), ("largest", Attribute::Int(largest))];
    let mut places = parts.second_output("TopK", &[x, one], &largest);
    if from_last {
        let shape = parts.op("Shape", &[given], &[]);
        let size = parts.op("Gather", &[shape, axes], &axis(0));
        let last = parts.op("Sub", &[size, one], &[]);
        places = parts.op("Sub", &[last, places], &[]);
    }
    if parts.int("keepdims", 1) != 0 {
        parts.last("Identity", &[places], &[]);
    } else {
        parts.last("Squeeze", &[places, axes], &[]);
    }
    Ok(())
}

/// One where the first of the largest elements is, and zero elsewhere. (rten has no Hardmax.)
pub(super) fn hardmax(mut parts: Parts<'_>) -> Result<()> {
    let (x, along, one) = (parts.x(0)?, parts.int("axis", -1), parts.ints(&[1]));
    let filled = |value: f32| {
        let bytes = value.to_le_bytes().to_vec().into();
        let one = Tensor::from_bytes(DType::F32, vec![1], bytes);
        [("value", Attribute::Tensor(one.unwrap_or_else(|| Tensor::scalar(value))))]
    };
    let places = parts.second_output("TopK", &[x, one], &axis(along));
    let (shape, shape_of_one) = (parts.op("Shape", &[x], &[]), parts.op("Shape", &[places], &[]));
    let zeros = parts.op("ConstantOfShape", &[shape], &filled(0.0));
    let ones = parts.op("ConstantOfShape", &[shape_of_one], &filled(1.0));
    parts.last("ScatterElements", &[zeros, places, ones], &axis(along));
    Ok(())
}

/// y = (x - mean) / sqrt(var + epsilon) * scale + bias with mean and variance of each channel of x
/// itself, as `training_mode` asks: weights are standardised so. Of constant weights, engines
/// compute this once, when they load the model.
pub(super) fn batch_statistics(mut parts: Parts<'_>) -> Result<()> {
    if parts.int("training_mode", 0) == 0 {
        return Ok(());
    }
    if parts.has_output(1) || parts.has_output(2) {
        return Err(parts.unsupported("the running statistics of training are not supported"));
    }
    let (x, scale, bias) = (parts.x(0)?, parts.x(1)?, parts.x(2)?);
    // Channels and one column, so that what is of each channel goes with (N, C, everything else).
    let (columns, others, last) = (parts.ints(&[0, 0, -1]), parts.ints(&[0, 2]), parts.ints(&[-1]));
    let epsilon = parts.float("epsilon", 1e-5);
    let epsilon = parts.scalar(epsilon);
    let keep = [("keepdims", Attribute::Int(1))];
    let maps = parts.op("Reshape", &[x, columns], &[]);
    let mean = parts.op("ReduceMean", &[maps, others], &keep);
    let centred = parts.op("Sub", &[maps, mean], &[]);
    let squared = parts.op("Mul", &[centred, centred], &[]);
    let variance = parts.op("ReduceMean", &[squared, others], &keep);
    let variance = parts.op("Add", &[variance, epsilon], &[]);
    let deviation = parts.op("Sqrt", &[variance], &[]);
    let standardised = parts.op("Div", &[centred, deviation], &[]);
    let scale = parts.op("Unsqueeze", &[scale, last], &[]);
    let bias = parts.op("Unsqueeze", &[bias, last], &[]);
    let scaled = parts.op("Mul", &[standardised, scale], &[]);
    let y = parts.op("Add", &[scaled, bias], &[]);
    let shape = parts.op("Shape", &[x], &[]);
    parts.last("Reshape", &[y, shape], &[]);
    Ok(())
}

/// Whatever is not zero is true. (rten, which has no booleans, would keep the number.)
pub(super) fn cast_to_bool(mut parts: Parts<'_>) -> Result<()> {
    if parts.int("to", 0) == DType::Bool as i64 {
        let (x, zero) = (parts.x(0)?, parts.scalar(0.0));
        let float = parts.op("Cast", &[x], &to(DType::F32));
        let is_zero = parts.op("Equal", &[float, zero], &[]);
        parts.last("Not", &[is_zero], &[]);
    }
    Ok(())
}

/// A vector on the right stands for a matrix of one column, which the product then loses. (rten
/// keeps it.)
pub(super) fn matrix_by_vector(mut parts: Parts<'_>) -> Result<()> {
    if parts.stored(1).is_some_and(|b| b.shape().len() == 1) {
        let (a, b, last) = (parts.x(0)?, parts.x(1)?, parts.ints(&[-1]));
        let column = parts.op("Unsqueeze", &[b, last], &[]);
        let product = parts.op("MatMul", &[a, column], &[]);
        parts.last("Squeeze", &[product, last], &[]);
    }
    Ok(())
}

/// A reduction over no axes at all is none.
pub(super) fn reduction_of_nothing(parts: Parts<'_>) -> Result<()> {
    let none = match parts.optional(1) {
        Some(_) => parts.stored(1).is_some_and(|axes| axes.shape() == [0]),
        None => true,
    };
    if none && parts.int("noop_with_empty_axes", 0) != 0 {
        let x = parts.x(0)?;
        parts.last("Identity", &[x], &[]);
    }
    Ok(())
}

/// sign(x) = (x > 0) - (x < 0). (To rten the sign of zero is 1.)
pub(super) fn sign(mut parts: Parts<'_>) -> Result<()> {
    let (x, zero) = (parts.x(0)?, parts.scalar(0.0));
    let mut holds = |op| {
        let holds = parts.op(op, &[x, zero], &[]);
        parts.op("Cast", &[holds], &to(DType::F32))
    };
    let (above, below) = (holds("Greater"), holds("Less"));
    parts.last("Sub", &[above, below], &[]);
    Ok(())
}

/// softplus(x) = ln(1 + e^x), which rounds to x long before e^x overflows, as it does in rten.
pub(super) fn softplus(mut parts: Parts<'_>) -> Result<()> {
    const LINEAR_ABOVE: f32 = 32.0;
    let (x, bound) = (parts.x(0)?, parts.scalar(LINEAR_ABOVE));
    let linear = parts.op("Greater", &[x, bound], &[]);
    let soft = parts.op("Softplus", &[x], &[]);
    parts.last("Where", &[linear, x, soft], &[]);
    Ok(())
}

/// y = the elements of x at each offset of a block, one offset's channels after the other's.
pub(super) fn space_to_depth(mut parts: Parts<'_>) -> Result<()> {
    let block = parts.int("blocksize", 0);
    if !(1..=LARGEST_BLOCK).contains(&block) || parts.node.attribute("mode").is_some() {
        return Err(
            parts.unsupported(format!("blocksize must be 1 to {LARGEST_BLOCK}, without mode"))
        );
    }
    let x = parts.x(0)?;
    let (ends, axes) = (parts.ints(&[i64::MAX; 2]), parts.ints(&[2, 3]));
    let steps = parts.ints(&[block; 2]);
    let mut offsets = Vec::new();
    for (row, column) in (0..block).flat_map(|r| (0..block).map(move |c| (r, c))) {
        let starts = parts.ints(&[row, column]);
        offsets.push(parts.op("Slice", &[x, starts, ends, axes, steps], &[]));
    }
    parts.last("Concat", &offsets, &axis(1));
    Ok(())
}
