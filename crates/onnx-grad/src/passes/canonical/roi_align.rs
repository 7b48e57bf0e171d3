//! Pooling over regions.

use super::parts::{Parts, axis, to};
use crate::error::Result;
use crate::graph::{Attribute, ValueId};
use crate::tensor::{DType, Tensor};

/// More places than this are not sampled along an axis: of one region, and of all.
const LARGEST_GRID: usize = 1 << 12;
const LARGEST_GRIDS: usize = 1 << 24;

/// How the places that are averaged for an output element lie along one axis.
struct Samples {
    size: usize,
    /// How many there are for each element.
    grid: usize,
    /// Where they are, in parts of the region: a row for each region, or one for all.
    fractions: Tensor,
    /// What each of them counts.
    shares: Tensor,
}

impl Samples {
    /// `grids` for each element, of each region or of all.
    fn new(parts: &Parts<'_>, size: i64, grids: &[usize]) -> Result<Self> {
        let grid = grids.iter().copied().max().unwrap_or(0).max(1);
        let size = usize::try_from(size).unwrap_or(0);
        let along = size.saturating_mul(grid);
        let all = along.saturating_mul(grids.len());
        if !(1..=LARGEST_GRID).contains(&along) || all > LARGEST_GRIDS {
            return Err(parts.unsupported(format!("{size} times {grid} samples along an axis")));
        }
        let mut fractions = Vec::with_capacity(all);
        let mut shares = Vec::with_capacity(all);
        for of_region in grids {
            for (element, i) in (0..size).flat_map(|e| (0..grid).map(move |i| (e, i))) {
                let within = (i as f32 + 0.5) / (*of_region).max(1) as f32;
                fractions.push((element as f32 + within) / size as f32);
                shares.push(if i < *of_region { 1.0 / *of_region as f32 } else { 0.0 });
            }
        }
        let tensor = |shape: &[usize], data: &[f32]| {
            Tensor::from_f32s(shape, data).ok_or_else(|| parts.unsupported("its samples"))
        };
        let fractions = tensor(&[grids.len(), along], &fractions)?;
        let shares = tensor(&[grids.len(), along, 1], &shares)?;
        Ok(Self { size, grid, fractions, shares })
    }
}

/// y = A x B^T for each region, where the rows of A and the columns of B^T average what linear
/// interpolation makes of the places that are sampled. Written so, it has a gradient with respect
/// to the regions too.
pub(super) fn roi_align(mut parts: Parts<'_>) -> Result<()> {
    if let Some(Attribute::String(mode)) = parts.node.attribute("mode")
        && mode != "avg"
    {
        return Err(parts.unsupported(format!("mode '{mode}'")));
    }
    let at_least_one = match parts.node.attribute("coordinate_transformation_mode") {
        Some(Attribute::String(mode)) if mode == "output_half_pixel" => true,
        Some(Attribute::String(mode)) if mode != "half_pixel" => {
            return Err(parts.unsupported(format!("coordinate_transformation_mode '{mode}'")));
        }
        _ => false,
    };
    let (x, regions, batches) = (parts.x(0)?, parts.x(1)?, parts.x(2)?);
    let scale = parts.float("spatial_scale", 1.0);
    let offset = if at_least_one { 0.0 } else { 0.5 };
    let (scale_of, offset_of) = (parts.scalar(scale), parts.scalar(offset));
    let scaled = parts.op("Mul", &[regions, scale_of], &[]);
    let scaled = parts.op("Sub", &[scaled, offset_of], &[]);

    let shape = parts.op("Shape", &[x], &[]);
    let mut weights = Vec::new();
    for (from, of_map, name) in [(1, 2, "output_height"), (0, 3, "output_width")] {
        let length = |a: f32, b: f32| {
            let length = (b * scale - offset) - (a * scale - offset);
            if at_least_one { length.max(1.0) } else { length }
        };
        let size = parts.int(name, 1);
        let grids = match usize::try_from(parts.int("sampling_ratio", 0)).unwrap_or(0) {
            0 => {
                let corners = parts.stored(1).and_then(Tensor::to_f32s).ok_or_else(|| {
                    parts.unsupported("sampling_ratio = 0 where the regions are computed")
                })?;
                let lengths = corners.as_chunks::<4>().0.iter();
                let lengths = lengths.map(|corner| length(corner[from], corner[from + 2]));
                lengths.map(|length| (length / size as f32).ceil().max(0.0) as usize).collect()
            }
            ratio => vec![ratio],
        };
        let samples = Samples::new(&parts, size, &grids)?;
        let (first, along) = (from as i64, parts.ints(&[1]));
        let mut corner = |i: i64| {
            let (at, end) = (parts.ints(&[i]), parts.ints(&[i + 1]));
            parts.op("Slice", &[scaled, at, end, along], &[])
        };
        let (begins, ends) = (corner(first), corner(first + 2));
        let mut lengths = parts.op("Sub", &[ends, begins], &[]);
        if at_least_one {
            let least = parts.scalar(1.0);
            lengths = parts.op("Max", &[lengths, least], &[]);
        }
        let at = parts.constant(scalar(of_map));
        let elements = parts.op("Gather", &[shape, at], &axis(0));
        weights.push(interpolation(&mut parts, begins, lengths, elements, samples));
    }
    let of_each = parts.op("Gather", &[x, batches], &axis(0));
    let [rows, columns] = weights[..] else { return Ok(()) };
    let turned = [("perm", Attribute::Ints(vec![0, 1, 3, 2]))];
    let columns = parts.op("Transpose", &[columns], &turned);
    let rows = parts.op("MatMul", &[rows, of_each], &[]);
    parts.last("MatMul", &[rows, columns], &[]);
    Ok(())
}

/// For each region and output element along an axis, the weights of this many elements of x:
/// (R, 1, size, elements).
fn interpolation(
    parts: &mut Parts<'_>,
    begins: ValueId,
    lengths: ValueId,
    elements: ValueId,
    samples: Samples,
) -> ValueId {
    let (size, grid) = (samples.size as i64, samples.grid as i64);
    let [fractions, shares] = [samples.fractions, samples.shares].map(|t| parts.constant(t));
    let [zero, one, before] = [0.0, 1.0, -1.0].map(|x| parts.scalar(x));
    let [from, step] = [0, 1].map(|i| parts.constant(scalar(i)));
    let [middle, axes] = [1, 2].map(|i| parts.ints(&[i]));
    let split = parts.ints(&[0, size, grid, -1]);

    let places = parts.op("Mul", &[lengths, fractions], &[]);
    let places = parts.op("Add", &[begins, places], &[]);
    let places = parts.op("Unsqueeze", &[places, axes], &[]);
    let count = parts.op("Cast", &[elements], &to(DType::F32));
    let last = parts.op("Sub", &[count, one], &[]);
    let low = parts.op("Less", &[places, before], &[]);
    let high = parts.op("Greater", &[places, count], &[]);
    let outside = parts.op("Or", &[low, high], &[]);
    let places = parts.op("Max", &[places, zero], &[]);
    let places = parts.op("Min", &[places, last], &[]);

    let numbers = parts.op("Range", &[from, elements, step], &[]);
    let numbers = parts.op("Cast", &[numbers], &to(DType::F32));
    let distance = parts.op("Sub", &[places, numbers], &[]);
    let distance = parts.op("Abs", &[distance], &[]);
    let closeness = parts.op("Sub", &[one, distance], &[]);
    let closeness = parts.op("Relu", &[closeness], &[]);
    let weights = parts.op("Where", &[outside, zero, closeness], &[]);
    let weights = parts.op("Mul", &[weights, shares], &[]);
    let weights = parts.op("Reshape", &[weights, split], &[]);
    let weights = parts.op("ReduceSum", &[weights, axes], &[("keepdims", Attribute::Int(0))]);
    parts.op("Unsqueeze", &[weights, middle], &[])
}

fn scalar(i: i64) -> Tensor {
    let bytes = i.to_le_bytes().to_vec().into();
    Tensor::from_bytes(DType::I64, vec![], bytes).unwrap_or_else(|| Tensor::from_i64s(&[i]))
}
