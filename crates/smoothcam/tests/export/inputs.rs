//! Inputs stay as the model's file has them: without a batch, and more than one.

use ndarray::{Array4, Axis, arr1};
use onnx_grad::{Attribute, DType, Graph, Tape, Tensor};
use rten::Value;
use smoothcam::{Array, Export};

use crate::edges::classifier;
use crate::loaded::Loaded;
use crate::{assert_close, builder, of, pictures};

/// The same classifier of pictures of shape (3, 8, 8), without a batch.
fn unbatched() -> Vec<u8> {
    let inner = Graph::from_onnx(&classifier(1.0)[..], &mut |_| Err("no".into())).unwrap();
    let tape = Tape::new(Graph::new());
    let picture = tape.input("picture", &[3, 8, 8]).reshape(&[1, 3, 8, 8]);
    let inputs = [(inner.inputs()[0], picture)];
    let scores = tape.inline(&inner, &inputs, inner.outputs()).unwrap()[0];
    let scores =
        tape.op("Reshape", &[Some(scores), Some(tape.ints(&[4]))], &[], DType::F32, vec![4]);
    let scores = scores.id();
    let mut graph = tape.into_graph().unwrap();
    graph.set_outputs(&[scores]);
    graph.to_onnx()
}

#[test]
fn a_model_without_a_batch_is_explained_and_stays_so() {
    let picture = pictures([1, 3, 8, 8]);
    let explainer = builder().model_bytes(unbatched()).build().unwrap();
    assert_eq!(explainer.input_shape(), [1, 3, 8, 8]);
    let batched = builder().model_bytes(classifier(1.0)).build().unwrap();
    for method in ["grad-cam", "smooth-grad-cam++", "sensitivity"] {
        let settings = of(method);
        let explain = |e: &smoothcam::Explainer| {
            e.explain_tensor(picture.clone(), &settings, &mut |_, _| {}).unwrap().targets.remove(0)
        };
        let expected = explain(&batched);
        assert_close(explain(&explainer).map.view(), expected.map.view(), method);
        let export = Export { settings: settings.clone(), ..Export::default() };
        let loaded = Loaded::export(builder().model_bytes(unbatched()), &export);
        let own = picture.index_axis(Axis(0), 0).to_owned().into_dyn();
        let map = loaded.run(&own, &[], &["saliency"]).remove(0);
        let map = map.into_dimensionality::<ndarray::Ix3>().unwrap();
        assert_close(map.index_axis(Axis(0), 0), expected.map.view(), method);
    }
}

/// A classifier whose scores depend on a second input, (1, 2), in a way that is not linear.
fn two_inputs() -> Vec<u8> {
    let inner = Graph::from_onnx(&classifier(1.0)[..], &mut |_| Err("no".into())).unwrap();
    let tape = Tape::new(Graph::new());
    let (picture, meta) = (tape.input("picture", &[1, 3, 8, 8]), tape.input("meta", &[1, 2]));
    let weights = Tensor::from_f32s(&[2, 3], &[0.5, -1.0, 2.0, 1.5, 0.25, -0.5]).unwrap();
    let scale = meta.matmul(tape.constant(weights)).unary("Exp").reshape(&[1, 3, 1, 1]);
    let inputs = [(inner.inputs()[0], picture * scale)];
    let scores = tape.inline(&inner, &inputs, inner.outputs()).unwrap()[0].id();
    let mut graph = tape.into_graph().unwrap();
    graph.set_outputs(&[scores]);
    graph.to_onnx()
}

#[test]
fn other_inputs_stay_open_unless_they_are_fixed() {
    let picture: Array4<f32> = pictures([1, 3, 8, 8]);
    let meta = |values: [f32; 2]| Array::Floats(arr1(&values).into_dyn());
    let with = |values| builder().model_bytes(two_inputs()).input("meta", meta(values));
    for method in ["grad-cam", "smooth-grad-cam++"] {
        let settings = of(method);
        let export = Export { settings: settings.clone(), ..Export::default() };
        // Neither an example nor its absence changes what is exported.
        for source in [builder().model_bytes(two_inputs()), with([0.0, 0.0])] {
            let loaded = Loaded::export(source, &export);
            for values in [[1.0, -0.5], [-1.0, 0.25]] {
                let explainer = with(values).build().unwrap();
                let expected =
                    explainer.explain_tensor(picture.clone(), &settings, &mut |_, _| {}).unwrap();
                let value = Value::from_shape(&[1, 2], values.to_vec()).unwrap();
                let maps = loaded.maps(&picture, &[("meta", value)]);
                let map = maps.index_axis(Axis(0), 0);
                assert_close(map, expected.targets[0].map.view(), &format!("{method} {values:?}"));
            }
        }
    }
    let export = Export { fixed_inputs: true, settings: of("grad-cam"), ..Export::default() };
    assert_eq!(Loaded::export(with([1.0, 2.0]), &export).model.input_ids().len(), 1);
    let error = builder().model_bytes(two_inputs()).export(&export).err().unwrap();
    assert!(error.to_string().contains("2 inputs (picture, meta)"), "{error}");
}

/// A classifier of any number of pictures, each with two numbers of its own.
fn any_number_of_pictures() -> Vec<u8> {
    let instance = |batch: usize| {
        let tape = Tape::new(Graph::new());
        let picture = tape.input("picture", &[batch, 3, 8, 8]);
        let meta = tape.input("meta", &[batch, 2]);
        let weights = |shape: &[usize], values: &[f32]| {
            tape.constant(Tensor::from_f32s(shape, values).unwrap())
        };
        let scale = meta.matmul(weights(&[2, 3], &[0.5, -1.0, 2.0, 1.5, 0.25, -0.5])).unary("Exp");
        let scaled = picture * scale.reshape(&[batch, 3, 1, 1]);
        let kernels = weights(&[2, 3, 1, 1], &[1.0, -0.5, 0.25, -1.0, 0.75, 0.5]);
        let ints = |name, values: &[i64]| (name, Attribute::Ints(values.to_vec()));
        let conv = [ints("strides", &[1; 2]), ints("dilations", &[1; 2]), ints("pads", &[0; 4])];
        let shape = vec![batch, 2, 8, 8];
        let maps = tape.op("Conv", &[Some(scaled), Some(kernels)], &conv, DType::F32, shape).relu();
        let pooled = (maps * maps * maps).reduce("ReduceMean", &[2, 3]).reshape(&[batch, 2]);
        let scores = pooled.matmul(weights(&[2, 2], &[1.0, -0.5, 0.25, 2.0])).id();
        let picture = picture.id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[scores]);
        (graph, picture)
    };
    let ((two, picture), (three, _)) = (instance(2), instance(3));
    Graph::with_any_batch_size(&two, &three, picture, "N").unwrap().to_onnx()
}

#[test]
fn every_picture_has_its_own_values_of_the_other_inputs() {
    let input = pictures([2, 3, 8, 8]);
    let values = [[1.0, -0.5], [-1.0, 0.25]];
    let builder_of = || builder().model_bytes(any_number_of_pictures());
    for method in ["grad-cam", "smooth-grad-cam++"] {
        let settings = of(method);
        let export = Export { settings: settings.clone(), ..Export::default() };
        let loaded = Loaded::export(builder_of(), &export);
        let both = Value::from_shape(&[2, 2], values.concat()).unwrap();
        let maps = loaded.maps(&input, &[("meta", both)]);
        for (i, meta) in values.iter().enumerate() {
            let meta = Array::Floats(arr1(meta).into_dyn());
            let explainer = builder_of().input("meta", meta).build().unwrap();
            let picture = input.slice_axis(Axis(0), ndarray::Slice::from(i..=i)).to_owned();
            let expected = explainer.explain_tensor(picture, &settings, &mut |_, _| {}).unwrap();
            let map = maps.index_axis(Axis(0), i);
            assert_close(map, expected.targets[0].map.view(), &format!("{method} {i}"));
        }
    }
}
