//! Decomposes what puts columns of blocks back into images (PyTorch's `fold`).

use super::conv::transposed_convolution;
use super::view::NodeView;
use super::window::Window;
use crate::error::Result;
use crate::tape::Var;
use crate::tensor::Tensor;

/// The most elements of a block.
const LARGEST_BLOCK: usize = 1 << 12;

/// y = the sum of blocks that slide over an image: a transposed convolution by kernels that are 1 at
/// one place of the block each.
pub(super) fn col2im<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    let sizes = |given: Option<Vec<i64>>| -> Vec<usize> {
        given.unwrap_or_default().iter().map(|s| usize::try_from(*s).unwrap_or(0)).collect()
    };
    let (image, block) = (sizes(n.const_ints(1)?), sizes(n.const_ints(2)?));
    let axes = image.len();
    let of = |name, default, count| match n.ints(name) {
        None => vec![default; count],
        given => sizes(given),
    };
    let (strides, dilations) = (of("strides", 1, axes), of("dilations", 1, axes));
    let pads = of("pads", 0, 2 * axes);
    let taps = block.iter().try_fold(1usize, |n, k| n.checked_mul(*k)).unwrap_or(0);
    let wrong = || {
        let what = format!("blocks of shape {block:?} do not slide over an image of {image:?}");
        n.unsupported(what)
    };
    let lists = [block.len(), strides.len(), dilations.len(), pads.len() / 2];
    let small = |list: &[usize]| list.iter().all(|s| (1..=1 << 26).contains(s));
    let valid = axes > 0
        && lists.iter().all(|length| *length == axes)
        && [&image, &block, &strides, &dilations].iter().all(|list| small(list))
        && pads.iter().all(|pad| *pad <= 1 << 26)
        && taps <= LARGEST_BLOCK;
    if !valid {
        return Err(wrong());
    }
    let mut windows = Vec::new();
    for i in 0..axes {
        let (begin, end) = (pads[i], pads[axes + i]);
        let extent = (block[i] - 1) * dilations[i] + 1;
        let free = (image[i] + begin + end).checked_sub(extent).ok_or_else(wrong)?;
        windows.push(Window {
            input: image[i],
            output: free / strides[i] + 1,
            kernel: block[i],
            stride: strides[i],
            dilation: dilations[i],
            begin,
            end,
        });
    }
    let steps: Vec<usize> = windows.iter().map(|w| w.output).collect();
    let &[batch, rows, columns] = x.shape().as_slice() else { return Err(wrong()) };
    if !rows.is_multiple_of(taps) || steps.iter().product::<usize>() != columns {
        return Err(wrong());
    }
    let channels = rows / taps;
    let blocks = x.reshape(&[&[batch * channels, taps], &steps[..]].concat());
    let kernels: Vec<f32> =
        (0..taps * taps).map(|i| f32::from(u8::from(i % (taps + 1) == 0))).collect();
    let kernels = Tensor::from_f32s(&[&[taps, 1], &block[..]].concat(), &kernels);
    let kernels = n.tape().constant(kernels.ok_or_else(wrong)?);
    let images = transposed_convolution(blocks, kernels, 1, &windows);
    Ok(images.reshape(&[&[batch, channels], &image[..]].concat()))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let blocks = |x: &[usize], image: &[i64], block: &[i64]| {
        case("Col2Im").x(x).const_ints(image).const_ints(block).linear()
    };
    vec![
        blocks(&[2, 3 * 4, 12], &[4, 5], &[2, 2]),
        blocks(&[1, 2 * 6, 9], &[5, 6], &[2, 3])
            .ints("strides", &[2, 2])
            .ints("pads", &[0, 1, 1, 0]),
        blocks(&[1, 4, 9], &[5, 4], &[2, 2]).ints("dilations", &[2, 1]),
        blocks(&[1, 2 * 3, 4], &[6], &[3]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::case;

    #[test]
    fn blocks_that_overlap_are_added() {
        let x = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0];
        let fold = case("Col2Im").x(&[1, 2, 3]).const_ints(&[4]).const_ints(&[2]);
        assert_eq!(fold.values(&[&x]), [1.0, 12.0, 23.0, 30.0]);
    }
}
