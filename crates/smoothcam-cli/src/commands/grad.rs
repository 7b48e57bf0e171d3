//! `smoothcam grad`: the gradient of any model.

use smoothcam::options::{self, Place};
use smoothcam::{Gradients, Result, named_value, weights_path};

use crate::args::{CotangentArg, GradArgs};
use crate::files::check_outputs;
use crate::table::{Facts, print};

pub(crate) fn run(args: &GradArgs) -> Result<()> {
    let out = args.out.clone().unwrap_or_else(|| super::export::beside(&args.model, "grad"));
    let read = args.inputs.iter().filter_map(|v| Some(v.rsplit_once('=')?.1.into()));
    let sources: Vec<_> = read.chain([args.model.clone()]).collect();
    check_outputs([(out.clone(), "onnx"), (weights_path(&out), "data")], &sources)?;
    let inputs = args.inputs.iter().map(|value| named_value(value));
    let gradients = Gradients {
        of: args.of.clone(),
        wrt: args.wrt.clone(),
        ones: args.cotangent == CotangentArg::Ones,
        shapes: args.shapes.clone(),
        inputs: inputs.collect::<Result<_>>()?,
        engine: options::engine(&mut args.engine.options(), Place::Grad)?,
    };
    let written = gradients.write(&args.model)?;
    let mut facts = Facts(String::new());
    for (title, values) in [("takes", &written.inputs), ("gives", &written.outputs)] {
        for (i, value) in values.iter().enumerate() {
            facts.add(if i == 0 { title } else { "" }, value);
        }
    }
    facts.add("opset", written.opset.to_string());
    let notes = written.notes.clone();
    for path in written.save(&out)? {
        facts.add("wrote", path.display());
    }
    for note in &notes {
        facts.note(note);
    }
    print(&facts.0)
}
