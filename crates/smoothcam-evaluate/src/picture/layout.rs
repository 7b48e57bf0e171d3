//! Converts model inputs between the model's layout and channels first.

use ndarray::{Array3, Array4, ArrayView3, Axis, Ix3};
use smoothcam::preprocess::Layout;
use smoothcam::{Error, Explainer, Result};

/// Converts an input as the model takes it, (1, C, H, W) or (1, H, W, C), to (C, H, W).
///
/// # Errors
/// If the input does not have four axes.
pub(crate) fn channels_first(explainer: &Explainer, input: &Array4<f32>) -> Result<Array3<f32>> {
    let picture = input.index_axis(Axis(0), 0);
    let picture = match explainer.preprocess().layout {
        Layout::Nchw => picture,
        Layout::Nhwc => picture.permuted_axes([2, 0, 1]),
    };
    let picture = picture.as_standard_layout().into_owned().into_dimensionality::<Ix3>();
    picture.map_err(|_| Error::failure("the input does not have three axes and a batch"))
}

/// Converts (C, H, W) to an input as the model takes it: (1, C, H, W) or (1, H, W, C).
pub(crate) fn model_layout(explainer: &Explainer, picture: ArrayView3<'_, f32>) -> Array4<f32> {
    let picture = match explainer.preprocess().layout {
        Layout::Nchw => picture,
        Layout::Nhwc => picture.permuted_axes([1, 2, 0]),
    };
    picture.insert_axis(Axis(0)).as_standard_layout().into_owned()
}

/// Returns the (H, W) of the model's input.
pub(crate) fn input_size(explainer: &Explainer) -> (usize, usize) {
    let size = explainer.preprocess().size;
    (size.height as usize, size.width as usize)
}
