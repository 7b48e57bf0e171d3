//! Options, by every front end that has them: feature maps, neurons, classes, windows, sizes and all others.
//!
//! A line is an option, `name=value`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smoothcam::options::{self, Place, RawOptions};
use smoothcam::{Maps, Neurons};

fuzz_target!(|text: &str| {
    let mut given = RawOptions::default();
    for line in text.lines() {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        for spec in options::all().filter(|spec| spec.name == name) {
            let _ = spec.check(value);
        }
        // A selection that is written out is read as the same.
        if let Ok(maps) = value.parse::<Maps>() {
            assert_eq!(maps.to_string().parse::<Maps>().expect("maps"), maps);
        }
        if let Ok(neurons) = value.parse::<Neurons>() {
            assert_eq!(neurons.to_string().parse::<Neurons>().expect("neurons"), neurons);
        }
        given.push(name, value);
    }
    for place in [Place::Explain, Place::Export, Place::Evaluate, Place::Http] {
        let mut given = given.clone();
        let _ = options::settings(&mut given, place);
        let _ = options::style(&mut given, place);
        let _ = options::answer(&mut given, place);
        let _ = options::decoding(&mut given, place);
        let _ = given.clone().finish(place);
        let _ = options::export(&mut given, place);
    }
});
