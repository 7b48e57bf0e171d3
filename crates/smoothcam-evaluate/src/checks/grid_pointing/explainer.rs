//! Explains mosaics, at twice a picture's height and width if the model allows it.

use ndarray::{Array3, Array4};
use smoothcam::preprocess::Size;
use smoothcam::{Array, Explainer, ExplainerBuilder, Photo, Picture, Result, Target};

use super::mosaic::Mosaic;
use super::tiles::{halve, join};
use crate::configuration::Configuration;
use crate::picture::evaluated::saliency_maps;
use crate::picture::layout::model_layout;
use crate::picture::saliency_map::SaliencyMap;

/// Explains mosaics.
pub(crate) struct MosaicExplainer<'e> {
    /// The model for inputs of a single picture's size.
    single: &'e Explainer,
    /// The model for inputs of twice that height and width; `None` if it does not take them. Then mosaics
    /// are halved.
    double: Option<Explainer>,
}

impl<'e> MosaicExplainer<'e> {
    /// Loads the model again for larger inputs.
    pub(crate) fn new(single: &'e Explainer, builder: &ExplainerBuilder) -> MosaicExplainer<'e> {
        let Size { height, width } = single.preprocess().size;
        let double = builder.clone().size(Size { height: 2 * height, width: 2 * width }).build();
        MosaicExplainer { single, double: double.ok() }
    }

    /// Whether mosaics are explained at full size.
    #[cfg(test)]
    pub(super) fn is_full_size(&self) -> bool {
        self.double.is_some()
    }

    /// Shows a mosaic of preprocessed pictures, (C, H, W) each in the order of the cells.
    ///
    /// # Errors
    /// If the pictures do not have the model's input shape.
    pub(crate) fn picture(&self, pictures: &[Array3<f32>]) -> Result<Picture> {
        let input = Array::Floats(self.input(pictures).into_dyn());
        self.explainer().picture_of(&Photo::Array(input))
    }

    /// Computes the maps of a mosaic, whose preprocessed pictures are (C, H, W) each in the order of the
    /// cells: for each configuration, one map of each class that is explained.
    ///
    /// # Errors
    /// If the settings do not fit the model.
    pub(crate) fn maps(
        &self,
        mosaic: &Mosaic,
        pictures: &[Array3<f32>],
        configurations: &[Configuration],
    ) -> Result<Vec<Vec<SaliencyMap>>> {
        let explainer = self.explainer();
        let study = explainer.study_tensor(self.input(pictures))?;
        let targets: Vec<Target> = mosaic.explained().iter().map(|c| c.target()).collect();
        let maps = |c: &Configuration| saliency_maps(explainer, &study, &c.settings, &targets);
        configurations.iter().map(maps).collect()
    }

    fn explainer(&self) -> &Explainer {
        self.double.as_ref().unwrap_or(self.single)
    }

    /// Returns the model's input for a mosaic.
    fn input(&self, pictures: &[Array3<f32>]) -> Array4<f32> {
        let mosaic = join(pictures);
        let mosaic = if self.double.is_some() { mosaic } else { halve(&mosaic) };
        model_layout(self.explainer(), mosaic.view())
    }
}
