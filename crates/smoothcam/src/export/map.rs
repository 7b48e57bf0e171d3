//! From a method's formula to the map that the exported model gives.

use onnx_grad::{Tensor, Var};

use super::evidence::{Scaled, TINY};
use super::settings::Export;
use crate::map::field::weights;

/// Writes the map, (B, h, w), or (B, rows, columns) of this size.
pub(super) fn write<'g>(
    scaled: &Scaled<'g>,
    export: &Export,
    size: Option<(usize, usize)>,
) -> Var<'g> {
    let spec = export.settings.method.spec();
    let signed = (spec.formula)(&scaled.evidence).signed;
    let map = match spec.degree {
        0 => signed,
        degree if degree > 0 => (0..degree).fold(signed, |map, _| map * scaled.unit),
        degree => (degree..0).fold(signed, |map, _| map / scaled.unit),
    };
    let map = if export.settings.signed { map } else { map.relu() };
    let map = if export.normalized { normalized(map) } else { map };
    let [batch, _, height, width] = map.shape()[..] else { return map };
    let map = map.reshape(&[batch, height, width]);
    match size {
        Some((rows, columns)) => {
            let down = matrix(map, &weights(rows, height), &[rows, height]);
            let across = matrix(map, &weights(columns, width), &[columns, width]);
            down.matmul(map).matmul(across.transposed())
        }
        None => map,
    }
}

/// Each map divided by its largest magnitude; zeros stay zeros.
fn normalized(map: Var<'_>) -> Var<'_> {
    let peak = map.abs().reduce("ReduceMax", &[1, 2, 3]);
    map / peak.binary("Max", map.tape().scalar(TINY))
}

fn matrix<'g>(like: Var<'g>, values: &[f32], shape: &[usize]) -> Var<'g> {
    let tensor = Tensor::from_f32s(shape, values).unwrap_or_else(|| Tensor::scalar(0.0));
    like.tape().constant(tensor)
}
