//! Continues a model file: its own nodes stay as they are, under their names, and what a graph
//! computes besides them is appended.

mod forms;
mod origin;
mod part;
mod raise;
mod weights;

use std::collections::HashSet;

use bytes::Buf;
use prost::Message;

use self::origin::{Origin, Origins};
pub use self::weights::Weight;
use crate::error::{Error, Result};
use crate::export::{named_proto, tensor_proto, value_info};
use crate::graph::{Attribute, Dim, Graph, Node, ValueId};
use crate::import::{dim, functions};
use crate::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto};
use crate::tensor::{DType, Tensor};

/// The oldest opset that files are continued in; those of older ones are raised.
const OLDEST: i64 = 13;
/// From this IR version on, constants need not be inputs.
const PLAIN_CONSTANTS: i64 = 4;

/// A model file that is to be continued.
#[derive(Clone, Debug)]
pub struct Source {
    model: ModelProto,
    graph: GraphProto,
    origins: Origins,
}

/// A model file with what was appended.
#[derive(Clone, Debug)]
pub struct Extended {
    model: ModelProto,
    graph: GraphProto,
    opset: i64,
    source_opset: i64,
}

/// The content of a constant, by name: asked for where the graph's content is elsewhere.
type Content<'a> = &'a dyn Fn(&str) -> Option<Tensor>;

impl Source {
    /// Reads a model file. Weights within `Bytes` are shared with it, not copied; those in other
    /// files are left there. Calls of the model's own functions are unfolded.
    ///
    /// # Errors
    /// If the bytes are no ONNX model.
    pub fn read(model: impl Buf) -> Result<Source> {
        let invalid = |what: &str| Error::Invalid(what.to_owned());
        let mut model = ModelProto::decode(model)
            .map_err(|e| invalid(&format!("not an ONNX model, or a damaged one ({e})")))?;
        functions::unfold(&mut model)?;
        let graph = model.graph.take().ok_or_else(|| invalid("the model holds no graph"))?;
        let origins = Origins::of(&graph);
        Ok(Source { model, graph, origins })
    }

    /// Makes a constant of one of the file's inputs.
    ///
    /// # Errors
    /// If there is no such input, or it is of an element type that the constant cannot have.
    pub fn bind(&mut self, input: &str, tensor: &Tensor) -> Result<()> {
        let at = self.graph.input.iter().position(|i| i.name == input);
        let at = at.ok_or_else(|| Error::Invalid(format!("the model has no input '{input}'")))?;
        if origin::element_type(&self.graph.input[at]) != tensor.dtype() as i32 {
            return Err(Error::Invalid(format!("the value of input '{input}' is of another type")));
        }
        self.graph.input.remove(at);
        self.graph.initializer.push(tensor_proto(input, tensor));
        Ok(())
    }

    /// The dimensions that the file declares of an input, where it does.
    pub fn input_dims(&self, name: &str) -> Option<Vec<Dim>> {
        let input = self.graph.input.iter().find(|i| i.name == name)?;
        let shape = input.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
        Some(shape.dim.iter().map(dim).collect())
    }

    /// The opset of the file.
    pub fn opset(&self) -> i64 {
        let standard = |o: &&OperatorSetIdProto| matches!(o.domain.as_str(), "" | "ai.onnx");
        self.model.opset_import.iter().find(standard).map_or(1, |o| o.version)
    }

    /// Appends what `graph` computes its outputs by. It must continue the graph that
    /// [`Graph::from_onnx`] makes of the same file: values that the file has already are taken from
    /// there. What the file holds in half or double precision is computed again in float32.
    ///
    /// The file's nodes and names stay as they are. Where a node of `graph` needs a later opset than
    /// the file's, the file's nodes are written in the form of that. `content` gives the constants
    /// that the graph [keeps elsewhere](Graph::take_weights) and the file does not have as floats.
    ///
    /// # Errors
    /// If a node of the file has no form in a later opset that is needed, or the content of a
    /// constant is not known.
    pub fn extend(self, graph: &Graph, content: Content<'_>) -> Result<Extended> {
        let mut part = part::Part::of(graph, &self.origins);
        let source_opset = self.opset();
        let opset = part.opset(source_opset.max(OLDEST))?;
        let mut extended = Extended { model: self.model, graph: self.graph, opset, source_opset };
        if opset > source_opset {
            raise::raise(&mut extended.graph, source_opset, opset, part.names())?;
        }
        extended.set_opset();
        extended.declare_inputs(graph);
        let (nodes, constants) = part.write(opset, content)?;
        extended.graph.node.extend(nodes);
        extended.graph.initializer.extend(constants);
        for id in graph.inputs().iter().filter(|id| self.origins.of_value(graph, **id).is_none()) {
            let mut info = value_info(graph.value(*id));
            info.name = part.name(*id);
            extended.graph.input.push(info);
        }
        for id in graph.outputs() {
            let name = part.name(*id);
            if extended.graph.output.iter().all(|o| o.name != name) {
                let mut info = value_info(graph.value(*id));
                info.name = name;
                extended.graph.value_info.retain(|other| other.name != info.name);
                extended.graph.output.push(info);
            }
        }
        Ok(extended)
    }
}

impl Extended {
    /// The opset of the nodes.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// The opset that the file had.
    pub fn source_opset(&self) -> i64 {
        self.source_opset
    }

    /// Adds to the file's metadata, in place of what has the same key.
    pub fn add_metadata(&mut self, entries: &[(String, String)]) {
        let props = &mut self.model.metadata_props;
        props.retain(|p| entries.iter().all(|(key, _)| *key != p.key));
        props.extend(
            entries.iter().map(|(key, value)| StringStringEntryProto {
                key: key.clone(),
                value: value.clone(),
            }),
        );
    }

    /// Leaves out all but these outputs, and what they do not need.
    pub fn keep_outputs(&mut self, names: &[&str]) {
        let graph = &mut self.graph;
        graph.output.retain(|o| names.contains(&o.name.as_str()));
        let mut needed: HashSet<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut nodes = std::mem::take(&mut graph.node);
        nodes.reverse();
        // Nodes may come in any order, so until nothing is added.
        let (mut kept, mut left) = (Vec::new(), nodes);
        loop {
            let before = kept.len();
            let (wanted, others) = left
                .into_iter()
                .partition::<Vec<_>, _>(|n| n.output.iter().any(|o| needed.contains(o)));
            wanted.iter().for_each(|n| origin::read_by(n, &mut needed));
            kept.extend(wanted);
            left = others;
            if kept.len() == before {
                break;
            }
        }
        kept.reverse();
        graph.node = sorted(kept);
        graph.initializer.retain(|t| needed.contains(&t.name));
        graph.input.retain(|i| needed.contains(&i.name));
        graph.value_info.clear();
        graph.quantization_annotation.clear();
    }

    /// The names of the outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.graph.output.iter().map(|o| o.name.as_str())
    }

    /// The file.
    pub fn to_onnx(&self) -> Vec<u8> {
        ModelProto { graph: Some(self.graph.clone()), ..self.model.clone() }.encode_to_vec()
    }

    fn set_opset(&mut self) {
        let imports = &mut self.model.opset_import;
        imports.retain(|o| !matches!(o.domain.as_str(), "" | "ai.onnx"));
        imports.insert(0, OperatorSetIdProto { domain: String::new(), version: self.opset });
        if self.model.ir_version < PLAIN_CONSTANTS {
            // From then on, a constant among the inputs is one that a run may replace.
            let constants: HashSet<&String> =
                self.graph.initializer.iter().map(|t| &t.name).collect();
            self.graph.input.retain(|i| !constants.contains(&i.name));
            self.model.ir_version = PLAIN_CONSTANTS;
        }
    }

    /// Inputs take the shapes that the graph has been written for.
    fn declare_inputs(&mut self, graph: &Graph) {
        for input in &mut self.graph.input {
            let Some(id) = graph.find(&input.name) else { continue };
            let told = value_info(graph.value(id)).r#type.and_then(|t| t.tensor_type);
            let own = input.r#type.as_mut().and_then(|t| t.tensor_type.as_mut());
            if let (Some(own), Some(shape)) = (own, told.and_then(|t| t.shape)) {
                own.shape = Some(shape);
            }
        }
    }
}

/// The nodes in an order in which they can be executed, the given one as far as it will do.
fn sorted(nodes: Vec<NodeProto>) -> Vec<NodeProto> {
    let made: HashSet<String> = nodes.iter().flat_map(|n| n.output.iter().cloned()).collect();
    let (mut done, mut left, mut out) = (HashSet::new(), nodes, Vec::new());
    loop {
        let before = left.len();
        let mut waiting = Vec::new();
        for node in left {
            let mut read = HashSet::new();
            origin::read_by(&node, &mut read);
            if read.iter().all(|name| !made.contains(name) || done.contains(name)) {
                done.extend(node.output.iter().cloned());
                out.push(node);
            } else {
                waiting.push(node);
            }
        }
        left = waiting;
        if left.is_empty() || left.len() == before {
            out.extend(left);
            return out;
        }
    }
}

#[cfg(test)]
mod tests;
