//! A map is normalised by its largest magnitude.

use ndarray::Array2;

/// The map divided by its largest magnitude; a map of zeros stays as it is.
pub(crate) fn normalized(map: &Array2<f32>) -> Array2<f32> {
    let peak = peak(map);
    if peak > 0.0 { map.mapv(|x| x / peak) } else { map.clone() }
}

/// The largest magnitude of a map.
pub(crate) fn peak(map: &Array2<f32>) -> f32 {
    map.iter().fold(0.0, |peak: f32, x| peak.max(x.abs()))
}
