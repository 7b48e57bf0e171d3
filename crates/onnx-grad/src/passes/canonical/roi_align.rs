//! Rewrites pooling over regions (RoiAlign) as matrix products.
//!
//! y = A x B^T for each region, where the rows of A and the columns of B^T take the samples by linear
//! interpolation. In this form there is a gradient with respect to the regions, too.

use super::rewriter::{Rewriter, axis, cast_to};
use crate::error::Result;
use crate::graph::{Attribute, ValueId};
use crate::tensor::{DType, Tensor};

/// The most samples along an axis of one region.
const LARGEST_GRID: usize = 1 << 12;
/// The most samples along an axis of all regions together.
const LARGEST_GRIDS: usize = 1 << 24;

/// The sampling points along one axis whose values are averaged for each output element.
struct Samples {
    /// The number of output elements.
    size: usize,
    /// The number of samples for each output element.
    grid: usize,
    /// The positions of the samples, as fractions of the region: a row for each region, or one for
    /// all.
    fractions: Tensor,
    /// The weight of each sample in the average.
    weights: Tensor,
}

/// What becomes of the samples of an output element.
#[derive(Clone, Copy, PartialEq)]
enum Pooling {
    Average,
    /// The largest product of a neighbour's value and its weight, of the four neighbours of all
    /// samples, as the standard's operator computes it.
    Max,
}

impl Samples {
    /// As many samples for each of `size` output elements as `grids` says, for each region or for
    /// all.
    fn new(rewriter: &Rewriter<'_>, size: i64, grids: &[usize]) -> Result<Self> {
        let grid = grids.iter().copied().max().unwrap_or(0).max(1);
        let size = usize::try_from(size).unwrap_or(0);
        let along = size.saturating_mul(grid);
        let all = along.saturating_mul(grids.len());
        if !(1..=LARGEST_GRID).contains(&along) || all > LARGEST_GRIDS {
            return Err(rewriter.unsupported(format!(
                "{size} times {grid} samples along an axis are not supported"
            )));
        }
        let mut fractions = Vec::with_capacity(all);
        let mut weights = Vec::with_capacity(all);
        for of_region in grids {
            for (element, i) in (0..size).flat_map(|e| (0..grid).map(move |i| (e, i))) {
                // Samples beyond those of a region are its first once more, of weight 0.
                let sample = if i < *of_region { i } else { 0 };
                let within = (sample as f32 + 0.5) / (*of_region).max(1) as f32;
                fractions.push((element as f32 + within) / size as f32);
                weights.push(if i < *of_region { 1.0 / *of_region as f32 } else { 0.0 });
            }
        }
        let tensor = |shape: &[usize], data: &[f32]| {
            Tensor::from_f32s(shape, data)
                .ok_or_else(|| rewriter.unsupported("its samples have no size"))
        };
        let fractions = tensor(&[grids.len(), along], &fractions)?;
        let weights = tensor(&[grids.len(), along, 1], &weights)?;
        Ok(Self { size, grid, fractions, weights })
    }
}

/// Rewrites the node.
pub(super) fn roi_align(mut rewriter: Rewriter<'_>) -> Result<()> {
    let pooling = match rewriter.node.attribute("mode") {
        Some(Attribute::String(mode)) if mode == "max" => Pooling::Max,
        Some(Attribute::String(mode)) if mode != "avg" => {
            return Err(rewriter.unsupported(format!("mode '{mode}' is not supported")));
        }
        _ => Pooling::Average,
    };
    let at_least_one = match rewriter.node.attribute("coordinate_transformation_mode") {
        Some(Attribute::String(mode)) if mode == "output_half_pixel" => true,
        Some(Attribute::String(mode)) if mode != "half_pixel" => {
            return Err(rewriter
                .unsupported(format!("coordinate_transformation_mode '{mode}' is not supported")));
        }
        _ => false,
    };
    let (x, regions, batches) = (rewriter.x(0)?, rewriter.x(1)?, rewriter.x(2)?);
    let scale = rewriter.float("spatial_scale", 1.0);
    let offset = if at_least_one { 0.0 } else { 0.5 };
    let (scale_of, offset_of) = (rewriter.scalar(scale), rewriter.scalar(offset));
    let scaled = rewriter.op("Mul", &[regions, scale_of], &[]);
    let scaled = rewriter.op("Sub", &[scaled, offset_of], &[]);

    let shape = rewriter.op("Shape", &[x], &[]);
    let mut weights = Vec::new();
    let mut sizes = Vec::new();
    for (from, of_map, name) in [(1, 2, "output_height"), (0, 3, "output_width")] {
        let length = |a: f32, b: f32| {
            let length = (b * scale - offset) - (a * scale - offset);
            if at_least_one { length.max(1.0) } else { length }
        };
        let size = rewriter.int(name, 1);
        let grids = match usize::try_from(rewriter.int("sampling_ratio", 0)).unwrap_or(0) {
            0 => {
                let corners = rewriter.stored(1).and_then(Tensor::to_f32s).ok_or_else(|| {
                    rewriter.unsupported(
                        "sampling_ratio 0 is not supported if the regions are computed",
                    )
                })?;
                let lengths = corners.as_chunks::<4>().0.iter();
                let lengths = lengths.map(|corner| length(corner[from], corner[from + 2]));
                lengths.map(|length| (length / size as f32).ceil().max(0.0) as usize).collect()
            }
            ratio => vec![ratio],
        };
        let samples = Samples::new(&rewriter, size, &grids)?;
        let (first, along) = (from as i64, rewriter.ints(&[1]));
        let mut corner = |i: i64| {
            let (at, end) = (rewriter.ints(&[i]), rewriter.ints(&[i + 1]));
            rewriter.op("Slice", &[scaled, at, end, along], &[])
        };
        let (begins, ends) = (corner(first), corner(first + 2));
        let mut lengths = rewriter.op("Sub", &[ends, begins], &[]);
        if at_least_one {
            let least = rewriter.scalar(1.0);
            lengths = rewriter.op("Max", &[lengths, least], &[]);
        }
        let at = rewriter.integer(of_map);
        let elements = rewriter.op("Gather", &[shape, at], &axis(0));
        sizes.extend([samples.size as i64, samples.grid as i64]);
        weights.push(interpolation(&mut rewriter, begins, lengths, elements, samples, pooling));
    }
    let images = rewriter.op("Gather", &[x, batches], &axis(0));
    let transposed = [("perm", Attribute::Ints(vec![0, 1, 3, 2]))];
    let [rows, columns] = &weights[..] else { return Ok(()) };
    let columns: Vec<ValueId> =
        columns.iter().map(|c| rewriter.op("Transpose", &[*c], &transposed)).collect();
    let rows: Vec<ValueId> =
        rows.iter().map(|r| rewriter.op("MatMul", &[*r, images], &[])).collect();
    if pooling == Pooling::Average {
        rewriter.replace("MatMul", &[rows[0], columns[0]], &[]);
        return Ok(());
    }
    let pairs = rows.iter().flat_map(|row| columns.iter().map(move |column| [*row, *column]));
    let products: Vec<ValueId> = pairs.map(|pair| rewriter.op("MatMul", &pair, &[])).collect();
    let largest = rewriter.op("Max", &products, &[]);
    let grids = rewriter.ints(&[&[0, 0], &sizes[..]].concat());
    let samples = rewriter.op("Reshape", &[largest, grids], &[]);
    let axes = rewriter.ints(&[3, 5]);
    rewriter.replace("ReduceMax", &[samples, axes], &[("keepdims", Attribute::Int(0))]);
    Ok(())
}

/// The weights of the elements of x along an axis for an average, for each region and output element:
/// of shape (regions, 1, size, elements). For the largest, the weights of the neighbours before and
/// after each sample: two of shape (regions, 1, size * grid, elements).
fn interpolation(
    rewriter: &mut Rewriter<'_>,
    begins: ValueId,
    lengths: ValueId,
    elements: ValueId,
    samples: Samples,
    pooling: Pooling,
) -> Vec<ValueId> {
    let (size, grid) = (samples.size as i64, samples.grid as i64);
    let [fractions, sample_weights] =
        [samples.fractions, samples.weights].map(|t| rewriter.constant(t));
    let [zero, one, before] = [0.0, 1.0, -1.0].map(|x| rewriter.scalar(x));
    let [from, step] = [0, 1].map(|i| rewriter.integer(i));
    let [middle, axes] = [1, 2].map(|i| rewriter.ints(&[i]));
    let split = rewriter.ints(&[0, size, grid, -1]);

    let positions = rewriter.op("Mul", &[lengths, fractions], &[]);
    let positions = rewriter.op("Add", &[begins, positions], &[]);
    let positions = rewriter.op("Unsqueeze", &[positions, axes], &[]);
    let count = rewriter.op("Cast", &[elements], &cast_to(DType::F32));
    let last = rewriter.op("Sub", &[count, one], &[]);
    let low = rewriter.op("Less", &[positions, before], &[]);
    let high = rewriter.op("Greater", &[positions, count], &[]);
    let outside = rewriter.op("Or", &[low, high], &[]);
    let positions = rewriter.op("Max", &[positions, zero], &[]);
    let positions = rewriter.op("Min", &[positions, last], &[]);

    let indices = rewriter.op("Range", &[from, elements, step], &[]);
    let indices = rewriter.op("Cast", &[indices], &cast_to(DType::F32));
    let distance = rewriter.op("Sub", &[positions, indices], &[]);
    let distance = rewriter.op("Abs", &[distance], &[]);
    let closeness = rewriter.op("Sub", &[one, distance], &[]);
    let closeness = rewriter.op("Relu", &[closeness], &[]);
    let weights = rewriter.op("Where", &[outside, zero, closeness], &[]);
    if pooling == Pooling::Max {
        let after = rewriter.op("Greater", &[indices, positions], &[]);
        let halves = [[zero, weights], [weights, zero]];
        let neighbours = halves.map(|[yes, no]| rewriter.op("Where", &[after, yes, no], &[]));
        return neighbours.map(|n| rewriter.op("Unsqueeze", &[n, middle], &[])).to_vec();
    }
    let weights = rewriter.op("Mul", &[weights, sample_weights], &[]);
    let weights = rewriter.op("Reshape", &[weights, split], &[]);
    let weights = rewriter.op("ReduceSum", &[weights, axes], &[("keepdims", Attribute::Int(0))]);
    vec![rewriter.op("Unsqueeze", &[weights, middle], &[])]
}
