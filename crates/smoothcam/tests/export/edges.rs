//! Gradients of extreme size, maps of zeros, and what cannot be exported.

use ndarray::{Array4, Axis};
use onnx_grad::{Attribute, DType, Graph, Tape, Tensor, Var};
use smoothcam::{Export, Samples, Settings, Sigma, TargetSpec};

use crate::loaded::Loaded;
use crate::{assert_close, builder, digits, of, pictures};

/// A classifier of 8x8 pixels into four classes: two convolutions, global average pooling and a linear
/// layer with weights of this size.
pub(crate) fn classifier(size: f32) -> Vec<u8> {
    let weights = |shape: &[usize], size: f32| {
        let count = shape.iter().product::<usize>();
        let weight = |i: usize| size * (((i * 37 + 11) % 64) as f32 / 64.0 - 0.45);
        Tensor::from_f32s(shape, &(0..count).map(weight).collect::<Vec<_>>()).unwrap()
    };
    let conv = |x: Var<'_>, shape: &[usize]| {
        let kernels = x.tape().constant(weights(shape, 1.0));
        // rten wants what others take for granted.
        let ints = |name, values: &[i64]| (name, Attribute::Ints(values.to_vec()));
        let pads = [ints("pads", &[1; 4]), ints("strides", &[1; 2]), ints("dilations", &[1; 2])];
        let shape = vec![1, shape[0], 8, 8];
        x.tape().op("Conv", &[Some(x), Some(kernels)], &pads, DType::F32, shape).id()
    };
    let tape = Tape::new(Graph::new());
    let x = tape.input("picture", &[1, 3, 8, 8]);
    tape.set_scope("block1");
    let x = tape.var(conv(x, &[4, 3, 3, 3])).relu();
    tape.set_scope("block2");
    let x = tape.var(conv(x, &[4, 4, 3, 3])).relu();
    tape.set_scope("head");
    let x = x.reduce("ReduceMean", &[2, 3]).reshape(&[1, 4]);
    let scores = x.matmul(tape.constant(weights(&[4, 4], size))).id();
    let mut graph = tape.into_graph().unwrap();
    graph.set_outputs(&[scores]);
    graph.to_onnx()
}

#[test]
fn gradients_of_any_size_neither_underflow_nor_overflow() {
    let picture = pictures([1, 3, 8, 8]);
    for size in [1e-18, 1e18] {
        for method in ["smooth-grad-cam++", "grad-cam++", "sensitivity"] {
            let settings = Settings { samples: Samples::Default, ..of(method) };
            let export = Export { settings: settings.clone(), ..Export::default() };
            let loaded = Loaded::export(builder().model_bytes(classifier(size)), &export);
            let explainer = builder().model_bytes(classifier(size)).build().unwrap();
            let expected =
                explainer.explain_tensor(picture.clone(), &settings, &mut |_, _| {}).unwrap();
            assert_close(
                loaded.maps(&picture, &[]).index_axis(Axis(0), 0),
                expected.targets[0].map.view(),
                &format!("{method}, {size}"),
            );
        }
    }
}

#[test]
fn a_map_without_evidence_is_zero() {
    let export = Export { normalized: true, settings: of("grad-cam"), ..Export::default() };
    let loaded = Loaded::export(builder().model_bytes(classifier(0.0)), &export);
    assert!(loaded.maps(&pictures([1, 3, 8, 8]), &[]).iter().all(|x| *x == 0.0));
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let plain = || Export { settings: of("grad-cam"), ..Export::default() };
    let with = |settings: Settings| Export { settings, ..Export::default() };
    let noise = Some(Array4::zeros((2, 3, 96, 96)));
    for (export, expected) in [
        (
            with(Settings { samples: Samples::Auto { tolerance: 0.1, most: 9 }, ..of("grad-cam") }),
            "fixed number",
        ),
        (with(Settings { noise, ..of("grad-cam") }), "noise that is given"),
        (
            with(Settings {
                targets: vec![TargetSpec::class(1), TargetSpec::class(2)],
                ..of("grad-cam")
            }),
            "one class",
        ),
        (with(Settings { sigma: Sigma::Relative(-1.0), ..of("grad-cam") }), "sigma"),
        (with(Settings { uncertainty: true, ..of("smooth-grad-cam++") }), "only the map"),
        (with(Settings { layer: Some("nowhere".into()), ..of("grad-cam") }), "nowhere"),
        (with(Settings { targets: vec![TargetSpec::class(99)], ..of("grad-cam") }), "99"),
        (
            with(Settings { samples: Samples::Fixed(0), ..of("smooth-grad") }),
            "needs noised samples",
        ),
        (Export { batch: Some(0), ..plain() }, "no pictures"),
        (
            Export {
                class_input: true,
                ..with(Settings { targets: vec![TargetSpec::class(1)], ..of("grad-cam") })
            },
            "an input too",
        ),
    ] {
        let error = builder().model(digits()).export(&export).err().unwrap();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let fixed = Export { batch: Some(4), ..plain() };
    let error = builder().model_bytes(classifier(1.0)).export(&fixed).err().unwrap();
    assert!(error.to_string().contains("1 pictures at once"), "{error}");
    let fused = with(Settings { layer: Some("block1+block2".into()), ..of("grad-cam") });
    let error = builder().model_bytes(classifier(1.0)).export(&fused).err().unwrap();
    assert!(error.to_string().contains("fused"), "{error}");
}
