//! A model that is loaded into rten, without smoothcam.

use std::fs;

use ndarray::{Array, Array3, Array4, ArrayD, Dimension};
use rten::{Model, Value};
use rten_tensor::prelude::*;
use smoothcam::{ExplainerBuilder, Export};

/// A model as any program loads it.
pub(crate) struct Loaded {
    pub(crate) model: Model,
    pub(crate) bytes: Vec<u8>,
}

impl Loaded {
    pub(crate) fn export(builder: ExplainerBuilder, export: &Export) -> Loaded {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("explained.onnx");
        let written = builder.export(export).unwrap().write(&path).unwrap();
        assert_eq!(written, std::slice::from_ref(&path));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        Loaded::of(fs::read(path).unwrap())
    }

    pub(crate) fn of(bytes: Vec<u8>) -> Loaded {
        Loaded { model: Model::load(bytes.clone()).unwrap(), bytes }
    }

    /// These outputs for an input and others.
    pub(crate) fn run<D: Dimension>(
        &self,
        picture: &Array<f32, D>,
        others: &[(&str, Value)],
        outputs: &[&str],
    ) -> Vec<ArrayD<f32>> {
        let id = |name: &str| self.model.node_id(name).unwrap();
        let picture_id = self.model.input_ids()[0];
        let data = picture.iter().copied().collect::<Vec<_>>();
        let picture = Value::from_shape(picture.shape(), data).unwrap();
        let mut inputs = vec![(picture_id, (&picture).into())];
        inputs.extend(others.iter().map(|(name, value)| (id(name), value.into())));
        let outputs: Vec<_> = outputs.iter().map(|name| id(name)).collect();
        let values = self.model.run(inputs, &outputs, None).unwrap();
        let array = |value: Value| {
            let tensor: rten_tensor::Tensor<f32> = value.try_into().unwrap();
            ArrayD::from_shape_vec(tensor.shape().to_vec(), tensor.to_vec()).unwrap()
        };
        values.into_iter().map(array).collect()
    }

    pub(crate) fn maps(&self, picture: &Array4<f32>, others: &[(&str, Value)]) -> Array3<f32> {
        self.run(picture, others, &["saliency"]).remove(0).into_dimensionality().unwrap()
    }
}
