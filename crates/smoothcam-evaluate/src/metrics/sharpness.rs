//! Measures how sharp a map is, whatever it shows.

use ndarray::{Axis, Slice};
use smoothcam::Result;

use super::evaluated_map::EvaluatedMap;
use super::family::MetricFamily;
use super::measurements::Measurements;
use super::metric::{Better, Metric};
use crate::picture::saliency_map::SaliencyMap;

pub(crate) const FAMILY: MetricFamily =
    MetricFamily { name: "sharpness", metrics: &[AREA, EDGES], by_default: true, measure };

const AREA: Metric = Metric {
    name: "area",
    title: "Area of 80 %",
    better: Better::Lower,
    bounds: Some([0.0, 1.0]),
    about: "The smallest share of the input's pixels that together hold 80 % of the sum of the map's \
            positive values.",
    source: "smoothcam",
};

const EDGES: Metric = Metric {
    name: "gradient-energy",
    title: "Gradient energy",
    better: Better::Higher,
    bounds: None,
    about: "The square root of sum |grad m|^2 / sum m^2 for the map m, in units of 1 / the input's height: \
            by how many times its own strength the map changes over the height of the picture.",
    source: "smoothcam; the sums are those of Tenengrad's focus measure (Krotkov 1988)",
};

/// The share of the map's sum whose area is measured.
const SHARE: f64 = 0.8;

fn measure(evaluated: &EvaluatedMap<'_>) -> Result<Measurements> {
    let map = evaluated.map;
    if map.is_zero() {
        return Ok(Measurements::default());
    }
    Ok(Measurements::of([(&AREA, area(map)), (&EDGES, gradient_energy(map))]))
}

/// Computes the share of the pixels that is needed to hold [`SHARE`] of the map's sum.
fn area(map: &SaliencyMap) -> f64 {
    let values: Vec<f64> = map.values().iter().map(|x| f64::from(*x)).collect();
    let wanted = SHARE * map.sum();
    let mut held = 0.0;
    let needed = map.strongest_first().into_iter().take_while(|pixel| {
        let more = held < wanted;
        held += values[*pixel];
        more
    });
    needed.count() as f64 / values.len() as f64
}

/// Computes the gradient energy; the gradient is the difference of neighbouring pixels.
fn gradient_energy(map: &SaliencyMap) -> f64 {
    let m = map.values().mapv(f64::from);
    let squares = |axis: Axis| {
        let differences =
            &m.slice_axis(axis, Slice::from(1..)) - &m.slice_axis(axis, Slice::from(..-1));
        differences.mapv(|d| d * d).sum()
    };
    let energy = (squares(Axis(0)) + squares(Axis(1))) / m.mapv(|x| x * x).sum();
    energy.sqrt() * m.nrows() as f64
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn map(values: &[f32], columns: usize) -> SaliencyMap {
        let shape = (values.len() / columns, columns);
        let values = Array2::from_shape_vec(shape, values.to_vec()).unwrap();
        SaliencyMap::new(values.view(), shape).unwrap()
    }

    #[test]
    fn worked_by_hand() {
        // 80 % of the sum, 5, is 4: the first pixel holds it.
        assert_eq!(area(&map(&[4.0, 1.0, 0.0, 0.0], 2)), 0.25);
        assert_eq!(area(&map(&[1.0; 10], 5)), 0.8);
        // One pixel of four: two steps of 1, height 2.
        let one = gradient_energy(&map(&[1.0, 0.0, 0.0, 0.0], 2));
        assert!((one - 2.0f64.sqrt() * 2.0).abs() < 1e-12, "{one}");
        assert_eq!(gradient_energy(&map(&[1.0; 4], 2)), 0.0);
    }
}
