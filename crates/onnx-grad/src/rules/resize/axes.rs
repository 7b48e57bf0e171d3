//! Says where the elements of a resized output lie in the input.

use super::super::view::NodeView;
use crate::error::Result;

/// An axis that is resized, with its sizes before and after.
pub(super) struct Axis {
    pub(super) axis: usize,
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) scale: f32,
    /// Where the region that is resized begins and ends, as shares of the input.
    region: [f32; 2],
}

/// The axes that are resized.
pub(super) fn axes(n: &NodeView<'_>) -> Result<Vec<Axis>> {
    let (x, y) = (n.x(0)?.shape(), n.y()?.shape());
    if x.len() != y.len() {
        return Err(n.unsupported(format!("shape {x:?} cannot be resized to {y:?}")));
    }
    let crops = n.string("coordinate_transformation_mode", "half_pixel") == CROP;
    if crops && n.const_floats(2)?.is_some_and(|scales| !scales.is_empty()) {
        return Err(n.unsupported("a crop by scales is not supported: engines differ"));
    }
    // Engines copy an input that keeps its shape, whatever the scales are.
    if x == y && !crops {
        return Ok(vec![]);
    }
    let all: Vec<Axis> = x
        .iter()
        .zip(&y)
        .enumerate()
        .map(|(axis, (i, o))| {
            let scale = *o as f32 / *i as f32;
            Axis { axis, input: *i, output: *o, scale, region: [0.0, 1.0] }
        })
        .collect();
    let all = with_scales(n, all)?;
    let all = if crops { with_regions(n, all)? } else { all };
    if let Some(copied) = all.iter().find(|a| a.input == a.output && a.region != [0.0, 1.0]) {
        // By the standard it is cropped; ONNX Runtime copies it.
        return Err(n.unsupported(format!(
            "a crop along axis {}, which keeps its size, is not supported: engines differ",
            copied.axis
        )));
    }
    let changes = |a: &Axis| a.input != a.output || a.scale != 1.0 || a.region != [0.0, 1.0];
    Ok(all.into_iter().filter(changes).collect())
}

/// The axes with the given scales, if there are any: they count, not those of the rounded sizes.
fn with_scales(n: &NodeView<'_>, mut all: Vec<Axis>) -> Result<Vec<Axis>> {
    let Some(scales) = n.const_floats(2)?.filter(|s| !s.is_empty()) else { return Ok(all) };
    let axes = resized(n, all.len())?;
    if axes.len() != scales.len() || scales.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return Err(n.unsupported(format!("scales {scales:?} do not match axes {axes:?}")));
    }
    axes.iter().zip(&scales).for_each(|(axis, scale)| all[*axis].scale = *scale);
    Ok(all)
}

/// The axes with the regions of `roi`: where they begin along each axis, and where they end.
fn with_regions(n: &NodeView<'_>, mut all: Vec<Axis>) -> Result<Vec<Axis>> {
    let regions = n.const_floats(1)?.unwrap_or_default();
    let axes = resized(n, all.len())?;
    if regions.len() != 2 * axes.len() || regions.iter().any(|r| !r.is_finite()) {
        return Err(n.unsupported(format!("roi {regions:?} does not match axes {axes:?}")));
    }
    let (begins, ends) = regions.split_at(axes.len());
    let regions = begins.iter().zip(ends).map(|(begin, end)| [*begin, *end]);
    axes.iter().zip(regions).for_each(|(axis, region)| all[*axis].region = region);
    Ok(all)
}

/// The axes that `roi`, `scales` and `sizes` are of.
fn resized(n: &NodeView<'_>, rank: usize) -> Result<Vec<usize>> {
    match n.ints("axes") {
        Some(axes) => axes.iter().map(|a| n.axis(*a, rank)).collect(),
        None => Ok((0..rank).collect()),
    }
}

/// The `coordinate_transformation_mode` that resizes a region of the input.
pub(super) const CROP: &str = "tf_crop_and_resize";

/// Where the elements of the output lie in the input: `coordinate_transformation_mode`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    TfHalfPixelForNn,
    AlignCorners,
    Asymmetric,
    TfCropAndResize,
}

impl Coordinates {
    pub(super) fn of(n: &NodeView<'_>) -> Result<Self> {
        Ok(match n.string("coordinate_transformation_mode", "half_pixel") {
            "half_pixel" => Self::HalfPixel,
            "half_pixel_symmetric" => Self::HalfPixelSymmetric,
            "pytorch_half_pixel" => Self::PytorchHalfPixel,
            "tf_half_pixel_for_nn" => Self::TfHalfPixelForNn,
            "align_corners" => Self::AlignCorners,
            "asymmetric" => Self::Asymmetric,
            CROP => Self::TfCropAndResize,
            other => {
                return Err(n.unsupported(format!(
                    "coordinate_transformation_mode '{other}' is not supported"
                )));
            }
        })
    }

    /// The position in the input of element `o` of the output. It is rounded as ONNX Runtime rounds
    /// it: that decides which element is the nearest.
    pub(super) fn position(self, o: f32, axis: &Axis) -> f32 {
        let (input, output) = (axis.input as f32, axis.output as f32);
        let half_pixel = (o + 0.5) / axis.scale - 0.5;
        match self {
            Self::HalfPixel => half_pixel,
            // The centre of the input stays the centre, whatever the output's size was rounded to.
            Self::HalfPixelSymmetric => {
                let offset = input / 2.0 * (1.0 - output / (axis.scale * input));
                let (o, scale) = (f64::from(o), f64::from(axis.scale));
                (f64::from(offset) + (o + 0.5) / scale - 0.5) as f32
            }
            Self::PytorchHalfPixel | Self::AlignCorners if axis.output == 1 => 0.0,
            Self::PytorchHalfPixel => half_pixel,
            Self::TfHalfPixelForNn => (o + 0.5) / axis.scale,
            Self::AlignCorners => o * (input - 1.0) / (output - 1.0),
            Self::Asymmetric => o / axis.scale,
            Self::TfCropAndResize => {
                let [begin, end] = axis.region;
                if axis.output > 1 {
                    begin * (input - 1.0) + o * (end - begin) * (input - 1.0) / (output - 1.0)
                } else {
                    0.5 * (begin + end) * (input - 1.0)
                }
            }
        }
    }
}
