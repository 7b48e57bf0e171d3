//! How sharp a map is, whatever it shows.

use ndarray::{Axis, Slice};
use smoothcam::Result;

use super::{Better, Case, Family, Measured, Metric};
use crate::picture::saliency_map::Heat;

pub(crate) const FAMILY: Family =
    Family { name: "sharpness", metrics: &[AREA, EDGES], by_default: true, measure };

const AREA: Metric = Metric {
    name: "area",
    title: "Area of 80 %",
    better: Better::Lower,
    about: "The smallest share of the input's pixels that holds 80 % of the map's positive mass.",
    source: "smoothcam",
};

const EDGES: Metric = Metric {
    name: "gradient-energy",
    title: "Gradient energy",
    better: Better::Higher,
    about: "The root of sum |grad m|^2 / sum m^2, in units of 1 / the input's height: how many times its \
            own strength a map changes over the height of the picture.",
    source: "smoothcam; the sums are those of Tenengrad's focus measure (Krotkov 1988)",
};

/// The share of the mass whose area is measured.
const SHARE: f64 = 0.8;

fn measure(case: &Case<'_>) -> Result<Measured> {
    if case.heat.is_empty() {
        return Ok(Measured::default());
    }
    Ok(Measured::of([(&AREA, area(case.heat)), (&EDGES, gradient_energy(case.heat))]))
}

fn area(heat: &Heat) -> f64 {
    let values: Vec<f64> = heat.values().iter().map(|x| f64::from(*x)).collect();
    let wanted = SHARE * heat.mass();
    let mut held = 0.0;
    let needed = heat.order().into_iter().take_while(|pixel| {
        let more = held < wanted;
        held += values[*pixel];
        more
    });
    needed.count() as f64 / values.len() as f64
}

/// By differences of neighbouring pixels.
fn gradient_energy(heat: &Heat) -> f64 {
    let m = heat.values().mapv(f64::from);
    let steps = |axis: Axis| {
        let differences =
            &m.slice_axis(axis, Slice::from(1..)) - &m.slice_axis(axis, Slice::from(..-1));
        differences.mapv(|d| d * d).sum()
    };
    let energy = (steps(Axis(0)) + steps(Axis(1))) / m.mapv(|x| x * x).sum();
    energy.sqrt() * m.nrows() as f64
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn heat(values: &[f32], columns: usize) -> Heat {
        let shape = (values.len() / columns, columns);
        let map = Array2::from_shape_vec(shape, values.to_vec()).unwrap();
        Heat::new(map.view(), shape).unwrap()
    }

    #[test]
    fn worked_by_hand() {
        // Of 5, 80 % is 4: held by the first pixel.
        assert_eq!(area(&heat(&[4.0, 1.0, 0.0, 0.0], 2)), 0.25);
        assert_eq!(area(&heat(&[1.0; 10], 5)), 0.8);
        // One pixel of four: two steps of 1, height 2.
        let one = gradient_energy(&heat(&[1.0, 0.0, 0.0, 0.0], 2));
        assert!((one - 2.0f64.sqrt() * 2.0).abs() < 1e-12, "{one}");
        assert_eq!(gradient_energy(&heat(&[1.0; 4], 2)), 0.0);
    }
}
