//! ONNX files that are loaded as classifiers, explained and exported with the built-in engine.
#![no_main]

use std::panic;

use libfuzzer_sys::fuzz_target;
use ndarray::Array4;
use smoothcam::{EngineChoice, EngineOptions, Explainer, Export, Memory, Samples, Settings};

fuzz_target!(
    init: {
        // The engine's panics become errors. A panic that nobody catches is still found.
        panic::set_hook(Box::new(|_| {}));
    },
    |file: &[u8]| {
        let engine = EngineOptions {
            choice: EngineChoice::Rten,
            threads: Some(1),
            memory: Some(Memory(100_000_000)),
            ..EngineOptions::default()
        };
        let builder = Explainer::builder().model_bytes(file).engine(engine);
        let Ok(explainer) = builder.clone().build() else { return };
        let settings = Settings { samples: Samples::Fixed(2), ..Settings::default() };
        let input = Array4::from_elem(explainer.input_shape(), 0.5);
        let _ = explainer.explain_tensor(input, &settings, &mut |_, _| {});
        let _ = builder.export(&Export { settings, ..Export::default() });
    }
);
