//! Unpacks the weights of MatMulNBits, which are numbers of few bits, to floats.

use super::rewriter::Rewriter;
use crate::error::Result;
use crate::graph::ValueId;
use crate::tensor::{DType, Tensor};

/// y = x w + b with unpacked weights w. (rten's MatMulNBits has no zero points.)
pub(super) fn matmul(mut rewriter: Rewriter<'_>) -> Result<()> {
    if rewriter.optional(4).is_some() {
        return Err(rewriter.unsupported("an order of blocks (g_idx) is not supported"));
    }
    let weights = unpacked(&rewriter).ok_or_else(|| {
        rewriter.unsupported(
            "its weights must be stored, with the sizes that K, N, bits and block_size say",
        )
    })?;
    let inputs: [ValueId; 2] = [rewriter.x(0)?, rewriter.constant(weights)];
    match rewriter.optional(5) {
        Some(bias) => {
            let y = rewriter.op("MatMul", &inputs, &[]);
            rewriter.replace("Add", &[y, bias], &[]);
        }
        None => rewriter.replace("MatMul", &inputs, &[]),
    }
    Ok(())
}

/// The matrix of K by N. Each column is stored in blocks, in which lower bits come first; `None` if
/// the weights are not stored, or their sizes do not match the attributes.
fn unpacked(rewriter: &Rewriter<'_>) -> Option<Tensor> {
    let size = |name, default| usize::try_from(rewriter.int(name, default)).ok();
    let (rows, columns, bits) = (size("K", 0)?, size("N", 0)?, size("bits", 4)?);
    let block = size("block_size", 0).filter(|block| *block > 0)?;
    if !matches!(bits, 2 | 4 | 8) || rows == 0 || columns == 0 {
        return None;
    }
    let blocks = rows.div_ceil(block);
    let block_bytes = block.checked_mul(bits)?.div_ceil(8);
    let column_bytes = blocks.checked_mul(block_bytes)?;
    let zero_bytes = blocks.checked_mul(bits)?.div_ceil(8);
    let bytes = |i: usize, each: usize| {
        let tensor = rewriter.stored(i).filter(|t| t.dtype() == DType::U8)?;
        tensor.bytes().filter(|b| Some(b.len()) == columns.checked_mul(each))
    };
    let packed = bytes(1, column_bytes)?;
    let scales = rewriter.stored(2)?.to_f32s().filter(|s| s.len() == columns * blocks)?;
    let zeros = match rewriter.optional(3) {
        Some(_) => Some(bytes(3, zero_bytes)?),
        None => None,
    };
    let number = |of: &[u8], start: usize, i: usize| {
        let bit = i * bits;
        f32::from((of[start + bit / 8] >> (bit % 8)) & (u8::MAX >> (8 - bits)))
    };
    let middle = f32::from(1u8 << (bits - 1));
    let mut weights = Vec::with_capacity(rows * columns);
    for (row, column) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
        let (b, within) = (row / block, row % block);
        let zero = zeros.map_or(middle, |zeros| number(zeros, column * zero_bytes, b));
        let steps = number(packed, column * column_bytes + b * block_bytes, within) - zero;
        weights.push(steps * scales[column * blocks + b]);
    }
    Tensor::from_f32s(&[rows, columns], &weights)
}
