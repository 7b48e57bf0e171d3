//! The gradient of any model, as a model.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use onnx_grad::{DType, Dim, ExtendedModel, Graph, SourceModel, Tape, ValueId, Var, vjp};

use super::file::Unwritten;
use super::shape;
use crate::array::Array;
use crate::classifier::inputs::names;
use crate::classifier::shapes::{also, learn_from};
use crate::engine::{self, EngineOptions};
use crate::error::unsupported;
use crate::load::bind;
use crate::load::model_file::{self, ModelFile};
use crate::{Error, Hint, Note, Result};

/// Which gradients of a model are written: vector-Jacobian products, the derivatives of
/// sum(`of` * cotangent) with respect to values.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    /// The value that is differentiated: an output, or any other value of floats.
    pub of: String,
    /// The values with respect to which.
    pub wrt: Vec<String>,
    /// Whether the cotangent is 1 everywhere; else it is an input, `cotangent`, of the shape of `of`.
    pub ones: bool,
    /// The shapes of inputs that the model leaves open.
    pub shapes: Vec<(String, Vec<usize>)>,
    /// Values of inputs, which become constants.
    pub inputs: Vec<(String, Array)>,
    /// The engine that tells the shapes.
    pub engine: EngineOptions,
}

/// A gradient, ready to be saved.
pub struct WrittenGradients {
    file: Unwritten,
    /// The inputs, with their shapes: `pixels [1, 3, 224, 224]`.
    pub inputs: Vec<String>,
    /// The value, and its gradients: `grad/pixels [1, 3, 224, 224]`.
    pub outputs: Vec<String>,
    /// The file's opset.
    pub opset: i64,
    /// What the user should know.
    pub notes: Vec<Note>,
}

/// The name of the cotangent's input.
const COTANGENT: &str = "cotangent";

impl Gradients {
    /// Writes the gradients of the model at `path`: the model's own nodes, as far as they are needed,
    /// and what computes the outputs, `of` itself and `grad/NAME` for each value, of its shape.
    ///
    /// # Errors
    /// If the model cannot be read, an input has no shape, a value is not there or `of` does not depend
    /// on it, or an operator in between has no rule.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<WrittenGradients> {
        let path = path.as_ref();
        let ModelFile { mut graph, sha256 } = ModelFile::open(path)?;
        let mut source = SourceModel::read(model_file::bytes(path)?).map_err(unsupported)?;
        for (name, value) in &self.inputs {
            bind(&mut graph, name, value)?;
            let input = graph.find(name).and_then(|id| graph.content(id));
            input.map(|tensor| source.bind_input(name, tensor)).transpose().map_err(unsupported)?;
        }
        let find = |graph: &Graph, name: &str| {
            graph.find(name).ok_or_else(|| {
                let outputs = names(graph, graph.outputs());
                Error::input(format!("the model has no value '{name}'")).with_hint(format!(
                    "its outputs are {outputs}; its inputs {}",
                    names(graph, graph.inputs())
                ))
            })
        };
        let of = find(&graph, &self.of)?;
        let wrt: Vec<ValueId> =
            self.wrt.iter().map(|name| find(&graph, name)).collect::<Result<_>>()?;
        self.check_shapes(&graph)?;
        graph.set_outputs(&[of]);
        graph.drop_unused_inputs();
        self.fix_inputs(&mut graph)?;
        let engine = engine::open(&self.engine, graph.take_weights())?;
        let inputs = graph.inputs().to_vec();
        learn_from(&mut graph, &*engine, self.engine.memory, &inputs, &|e| {
            Error::input(format!("the model does not run on inputs of these shapes: {e}"))
                .with_hint(also(&e, Hint::set("shape", "INPUT=1x3x224x224", "name others")))
        })?;
        let (graph, outputs) =
            self.differentiate(graph.decompose().map_err(unsupported)?, of, &wrt)?;
        let again = OnceCell::new();
        let content = |name: &str| {
            let graph: &Option<Graph> =
                again.get_or_init(|| ModelFile::open(path).ok().map(|f| f.graph));
            let graph = graph.as_ref()?;
            graph.content(graph.find(name)?).cloned()
        };
        let mut extended = source.extend(&graph, &content).map_err(unsupported)?;
        let kept: Vec<&str> = outputs.iter().map(|id| graph.value(*id).name.as_str()).collect();
        extended.retain_outputs(&kept);
        extended.add_metadata(&self.metadata(sha256));
        let told = |id: &ValueId| format!("{} {}", graph.value(*id).name, shape(&graph, *id));
        let needed = graph.ancestors(graph.outputs());
        Ok(WrittenGradients {
            inputs: graph.inputs().iter().filter(|id| needed[id.index()]).map(told).collect(),
            outputs: outputs.iter().map(told).collect(),
            opset: extended.opset(),
            notes: raised(&extended).into_iter().collect(),
            file: Unwritten { extended, source: Some(path.to_owned()) },
        })
    }

    /// Checks that the shapes are those of inputs, which need not all be needed.
    fn check_shapes(&self, graph: &Graph) -> Result<()> {
        for (name, _) in &self.shapes {
            if !graph.inputs().iter().any(|id| graph.value(*id).name == *name) {
                return Err(Error::input(format!("there is no input '{name}'")).with_hint(
                    format!("the inputs without a value are {}", names(graph, graph.inputs())),
                ));
            }
        }
        Ok(())
    }

    /// Gives all inputs a shape.
    fn fix_inputs(&self, graph: &mut Graph) -> Result<()> {
        for id in graph.inputs().to_vec() {
            let value = graph.value(id);
            let name = &value.name;
            if value.dtype.is_some_and(|dtype| dtype != DType::F32) {
                return Err(Error::input(format!("the input '{name}' is not of floats"))
                    .with_hint(Hint::set(
                        "input",
                        &format!("{name}=FILE.npy"),
                        "give it a value",
                    )));
            }
            let fixed = |dim: &Dim| match dim {
                Dim::Fixed(size) => Some(*size),
                Dim::Dynamic(_) => None,
            };
            let declared = value.declared.as_ref().and_then(|d| d.iter().map(fixed).collect());
            let given = self.shapes.iter().find(|(other, _)| *other == value.name);
            let shape: Option<Vec<usize>> = given.map(|(_, shape)| shape.clone()).or(declared);
            let shape = shape.ok_or_else(|| {
                Error::input(format!("the model leaves the shape of its input '{name}' open"))
                    .with_hint(Hint::set("shape", &format!("{name}=1x3x224x224"), "name it"))
            })?;
            graph.fix_input(id, &shape);
        }
        Ok(())
    }

    /// The graph with the gradients, and its outputs.
    fn differentiate(
        &self,
        graph: Graph,
        of: ValueId,
        wrt: &[ValueId],
    ) -> Result<(Graph, Vec<ValueId>)> {
        let tape = Tape::new(graph);
        let value = tape.var(of);
        let cotangent = if self.ones {
            tape.scalar(1.0).expand(&value.shape())
        } else {
            tape.input(COTANGENT, &value.shape())
        };
        let gradients = vjp(&tape, value, cotangent, wrt);
        let mut outputs = vec![of];
        for (gradient, name) in gradients.into_iter().zip(&self.wrt) {
            let gradient: Var<'_> = gradient.map_err(unsupported)?.ok_or_else(|| {
                Error::input(format!("'{}' does not depend on '{name}'", self.of))
            })?;
            // An output must be another value than an input, and than other outputs.
            outputs.push(gradient.unary("Identity").id());
        }
        let mut graph = tape.into_graph().map_err(unsupported)?;
        for (id, name) in outputs.iter().skip(1).zip(&self.wrt) {
            graph.rename(*id, &format!("grad/{name}"));
        }
        graph.set_outputs(&outputs);
        Ok((graph, outputs))
    }

    fn metadata(&self, sha256: String) -> Vec<(String, String)> {
        let entry = |key: &str, value: String| (format!("smoothcam.{key}"), value);
        vec![
            entry("version", env!("CARGO_PKG_VERSION").to_owned()),
            entry("source_sha256", sha256),
            entry("gradient_of", self.of.clone()),
            entry("gradient_wrt", self.wrt.join(", ")),
        ]
    }
}

impl WrittenGradients {
    /// Saves the model, and its weights where they do not fit into it (see
    /// [`weights_path`](crate::weights_path)): the files that were written.
    ///
    /// # Errors
    /// If a file cannot be written, or the source's weights cannot be read.
    pub fn save(self, path: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        self.file.write(path.as_ref())
    }
}

/// That the opset is another than the source's, if it is.
pub(super) fn raised(extended: &ExtendedModel) -> Option<Note> {
    let (from, to) = (extended.source_opset(), extended.opset());
    (to > from).then(|| Note::new(format!("the model's opset was raised from {from} to {to}")))
}
