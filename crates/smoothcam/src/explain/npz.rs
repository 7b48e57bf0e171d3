//! An explanation as NumPy arrays: everything that is needed to check it by hand.

use std::io::Cursor;

use ndarray::{Array, Dimension};
use ndarray_npy::NpzWriter;

use crate::explain::explanation::{ClassMap, Explanation};
use crate::{Error, Result};

impl Explanation {
    /// The arrays behind one of its maps as an `.npz` file, all float32: the preprocessed `input`
    /// (1, C, H, W), the `noise` (n, C, H, W; a noised input is `input + noise[m]`), the `scores`,
    /// the layer's `activations` (K, h, w), the means `d1`, `d2`, `d3` of the gradient's powers
    /// (K, h, w), the neurons `chosen` (1, else 0), the `weights` where the map is made of them,
    /// and the raw `map` (h, w).
    ///
    /// The noise is there only if it was [kept](crate::Settings::keep_noise).
    ///
    /// # Errors
    /// If the arrays are too large for the format.
    pub fn to_npz(&self, class: &ClassMap) -> Result<Vec<u8>> {
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        add(&mut npz, "input", &self.input)?;
        if let Some(noise) = &self.noise.kept {
            add(&mut npz, "noise", noise)?;
        }
        add(&mut npz, "scores", &self.scores)?;
        add(&mut npz, "activations", &self.activations)?;
        for (name, moment) in ["d1", "d2", "d3"].into_iter().zip(&class.moments) {
            add(&mut npz, name, moment)?;
        }
        add(&mut npz, "chosen", &class.chosen)?;
        if let Some(weights) = &class.weights {
            add(&mut npz, "weights", weights)?;
        }
        add(&mut npz, "map", &class.map)?;
        npz.finish().map(Cursor::into_inner).map_err(failure)
    }
}

fn add<D: Dimension>(
    npz: &mut NpzWriter<Cursor<Vec<u8>>>,
    name: &str,
    array: &Array<f32, D>,
) -> Result<()> {
    npz.add_array(name, array).map_err(failure)
}

fn failure(error: impl std::fmt::Display) -> Error {
    Error::failure(format!("cannot write the arrays: {error}"))
}
