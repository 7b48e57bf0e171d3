//! A table lists all methods, whose formulas are in a file each.

mod cam;
mod grad_cam;
mod grad_cam_plus_plus;
mod hires_cam;
mod layer_cam;
mod sensitivity;
mod xgrad_cam;

use super::spec::Spec;

/// All methods, in the order in which they are best compared.
pub(super) static METHODS: &[&Spec] = &[
    &grad_cam_plus_plus::SMOOTH,
    &grad_cam_plus_plus::SMOOTH_AS_PRINTED,
    &grad_cam_plus_plus::PLAIN,
    &grad_cam::SPEC,
    &cam::SPEC,
    &layer_cam::SPEC,
    &hires_cam::SPEC,
    &xgrad_cam::SPEC,
    &sensitivity::PLAIN,
    &sensitivity::SMOOTH,
];
