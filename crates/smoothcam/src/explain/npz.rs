//! An explanation as NumPy arrays: everything that is needed to check it by hand.

use crate::Result;
use crate::explain::explanation::{Explanation, TargetMap};
use crate::npy::Npz;

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
    pub fn to_npz(&self, class: &TargetMap) -> Result<Vec<u8>> {
        let mut npz = Npz::new();
        npz.add("input", &self.input)?;
        if let Some(noise) = &self.noise.kept {
            npz.add("noise", noise)?;
        }
        npz.add("scores", &self.scores)?;
        npz.add("activations", &self.activations)?;
        for (name, moment) in ["d1", "d2", "d3"].into_iter().zip(&class.moments) {
            npz.add(name, moment)?;
        }
        npz.add("chosen", &class.chosen)?;
        if let Some(weights) = &class.weights {
            npz.add("weights", weights)?;
        }
        npz.add("map", &class.map)?;
        npz.into_bytes()
    }
}
