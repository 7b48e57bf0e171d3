//! Reads a model file that is going to be extended.

use bytes::Buf;
use prost::Message;

use super::appended::{Appended, Content};
use super::extended::ExtendedModel;
use super::origin::{Origins, element_type};
use crate::error::{Error, Result};
use crate::files::export::tensor_proto;
use crate::files::import::inline_functions;
use crate::files::opsets;
use crate::files::proto::{GraphProto, ModelProto, is_standard};
use crate::files::value_info::dims;
use crate::graph::{Dim, Graph};
use crate::tensor::Tensor;

/// A model file that is going to be extended.
#[derive(Clone, Debug)]
pub struct SourceModel {
    model: ModelProto,
    graph: GraphProto,
    origins: Origins,
}

impl SourceModel {
    /// Reads a model file. Weights within `Bytes` share their memory; those in other files stay
    /// there. Calls of the model's own functions are inlined.
    ///
    /// # Errors
    /// If the bytes are not an ONNX model.
    pub fn read(model: impl Buf) -> Result<SourceModel> {
        let mut model = ModelProto::decode(model)
            .map_err(|e| Error::invalid(format!("not an ONNX model, or a damaged one ({e})")))?;
        inline_functions(&mut model)?;
        let graph = model.graph.take().ok_or_else(|| Error::invalid("the model holds no graph"))?;
        let origins = Origins::of(&graph);
        Ok(SourceModel { model, graph, origins })
    }

    /// Turns an input of the file into a constant.
    ///
    /// # Errors
    /// If there is no such input, or if it has another element type than the constant.
    pub fn bind_input(&mut self, input: &str, tensor: &Tensor) -> Result<()> {
        let at = self.graph.input.iter().position(|i| i.name == input);
        let at = at.ok_or_else(|| Error::invalid(format!("the model has no input '{input}'")))?;
        if element_type(&self.graph.input[at]) != tensor.dtype() as i32 {
            return Err(Error::invalid(format!(
                "the value for input '{input}' has element type {:?}, which is not the input's",
                tensor.dtype()
            )));
        }
        self.graph.input.remove(at);
        self.graph.initializer.push(tensor_proto(input, tensor));
        Ok(())
    }

    /// The dimensions that the file declares of an input, if it does.
    pub fn input_dims(&self, name: &str) -> Option<Vec<Dim>> {
        let input = self.graph.input.iter().find(|i| i.name == name)?;
        let shape = input.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
        Some(dims(shape))
    }

    /// The opset of the file.
    pub fn opset(&self) -> i64 {
        let mut imports = self.model.opset_import.iter();
        imports.find(|o| is_standard(&o.domain)).map_or(1, |o| o.version)
    }

    /// Appends the nodes by which `graph` computes its outputs. `graph` must continue the graph
    /// that [`Graph::from_onnx`] reads from the same file: values that the file already has are
    /// taken from there, except those of half or double precision, which are computed again in
    /// float32.
    ///
    /// The file's nodes and names stay as they are. If a node of `graph` needs a later opset than
    /// the file's, the file's nodes are brought into the form of that opset. `content` returns
    /// constants by name: those that `graph` [holds as external data](Graph::take_weights) and that
    /// the file does not have as floats.
    ///
    /// # Errors
    /// If a node of the file has no form in the opset that is needed, or if the content of a
    /// constant is not known.
    pub fn extend(self, graph: &Graph, content: Content<'_>) -> Result<ExtendedModel> {
        let mut appended = Appended::of(graph, &self.origins);
        let source_opset = self.opset();
        let opset = appended.opset(source_opset.max(opsets::OLDEST))?;
        let mut extended =
            ExtendedModel { model: self.model, graph: self.graph, opset, source_opset };
        extended.raise_opset(appended.taken_names())?;
        extended.declare_inputs(graph);
        let (nodes, constants) = appended.write(opset, content)?;
        extended.graph.node.extend(nodes);
        extended.graph.initializer.extend(constants);
        for id in graph.inputs().iter().filter(|id| self.origins.of_value(graph, **id).is_none()) {
            extended.graph.input.push(appended.value_info(*id));
        }
        for id in graph.outputs() {
            let info = appended.value_info(*id);
            if extended.graph.output.iter().all(|o| o.name != info.name) {
                extended.graph.value_info.retain(|other| other.name != info.name);
                extended.graph.output.push(info);
            }
        }
        Ok(extended)
    }
}
