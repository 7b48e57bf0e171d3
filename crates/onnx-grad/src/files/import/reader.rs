//! Reads ONNX files into [`Graph`]s. Malformed files are errors here, so that nothing later
//! has to doubt the graph.

use std::collections::HashMap;

use bytes::{Buf, Bytes};
use prost::Message;

use crate::error::{Error, Result};
use crate::graph::{Attribute, Dim, Graph, Node, ValueId};
use crate::level;
use crate::proto;
use crate::tensor::{DType, Tensor};

mod branches;
mod contents;
pub(crate) mod functions;

/// Weights that are stored in a file of their own beside the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalData {
    /// The file, relative to the model's folder, as the model says it: not to be trusted.
    pub location: String,
    /// Where in the file the bytes begin.
    pub offset: u64,
    /// How many bytes there are; to the end of the file if `None`.
    pub length: Option<u64>,
}

/// Fetches the bytes of externally stored weights, or says why they cannot be had.
pub type ReadExternal<'a> = dyn FnMut(&ExternalData) -> std::result::Result<Bytes, String> + 'a;

fn invalid(message: impl Into<String>) -> Error {
    Error::Invalid(message.into())
}

impl Graph {
    /// Reads an ONNX model. Weights within `Bytes` are shared with it, not copied.
    ///
    /// The graph is levelled to one opset, so that what comes after knows one form of each
    /// operator; half-precision and double weights become float32.
    ///
    /// # Errors
    /// If the bytes are no ONNX model, or one that is truncated, contradicts itself or needs
    /// something outside the standard's tensors (loops, sequences, sparse weights).
    pub fn from_onnx(model: impl Buf, external: &mut ReadExternal<'_>) -> Result<Graph> {
        let mut model = proto::ModelProto::decode(model)
            .map_err(|e| invalid(format!("not an ONNX model, or a damaged one ({e})")))?;
        functions::unfold(&mut model)?;
        let graph = model.graph.ok_or_else(|| invalid("not an ONNX model: it holds no graph"))?;
        if graph.node.is_empty() {
            return Err(invalid("not an ONNX classifier: its graph has no nodes"));
        }
        if !graph.sparse_initializer.is_empty() {
            return Err(invalid("the model has sparse weights, which are not supported"));
        }
        let mut reader = Reader { graph: Graph::default(), external, names: vec![], when: vec![] };
        reader.graph.metadata =
            model.metadata_props.into_iter().map(|p| (p.key, p.value)).collect();
        reader.graph.opsets = model
            .opset_import
            .into_iter()
            .map(|o| (if o.domain == "ai.onnx" { String::new() } else { o.domain }, o.version))
            .collect();
        reader.read(graph)?;
        let mut graph = reader.graph;
        level::level(&mut graph)?;
        graph.settle()?;
        Ok(graph)
    }
}

pub(crate) struct Reader<'a, 'b> {
    graph: Graph,
    external: &'a mut ReadExternal<'b>,
    /// The names that belong to the branches that are being read, outermost first.
    names: Vec<HashMap<String, ValueId>>,
    /// The conditions under which these branches run.
    when: Vec<(ValueId, bool)>,
}

impl Reader<'_, '_> {
    /// Adds a node to a graph that has all its values.
    pub(crate) fn alone(
        graph: Graph,
        external: &mut ReadExternal<'_>,
        node: proto::NodeProto,
    ) -> Result<Graph> {
        let mut reader = Reader { graph, external, names: vec![], when: vec![] };
        reader.node(node)?;
        Ok(reader.graph)
    }

    fn read(&mut self, proto: proto::GraphProto) -> Result<()> {
        for tensor in proto.initializer {
            self.define(&tensor.name)?;
            let name = tensor.name.clone();
            let tensor = self.tensor(tensor)?;
            self.graph.add_initializer(&name, tensor);
        }
        for input in &proto.input {
            // Before IR version 4 constants are listed among the inputs too.
            if self.graph.find(&input.name).is_some_and(|v| self.graph.content(v).is_some()) {
                continue;
            }
            self.define(&input.name)?;
            let id = self.graph.add_value(&input.name, None, None);
            self.declare(input);
            self.graph.inputs.push(id);
        }
        // Nodes may come in any order, so all outputs are defined before any input is looked up.
        for node in &proto.node {
            for name in node.output.iter().filter(|n| !n.is_empty()) {
                self.define(name)?;
                self.graph.add_value(name, None, None);
            }
        }
        for node in proto.node {
            self.node(node)?;
        }
        for output in &proto.output {
            let id = self.graph.find(&output.name).ok_or_else(|| {
                invalid(format!("output '{}' is computed by no node", output.name))
            })?;
            self.declare(output);
            self.graph.outputs.push(id);
        }
        if self.graph.outputs.is_empty() {
            return Err(invalid("the model has no outputs"));
        }
        Ok(())
    }

    fn define(&self, name: &str) -> Result<()> {
        match self.graph.find(name) {
            _ if name.is_empty() => Err(invalid("a value of the graph has no name")),
            Some(_) => Err(invalid(format!("value '{name}' is defined twice"))),
            None => Ok(()),
        }
    }

    /// Takes over the type and dimensions that the file declares of an input or output.
    fn declare(&mut self, info: &proto::ValueInfoProto) {
        let tensor = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
        let (Some(tensor), Some(id)) = (tensor, self.graph.find(&info.name)) else { return };
        let value = &mut self.graph.values[id.0];
        value.dtype = level::dtype(tensor.elem_type);
        value.declared = tensor.shape.as_ref().map(|shape| shape.dim.iter().map(dim).collect());
    }

    fn node(&mut self, mut proto: proto::NodeProto) -> Result<()> {
        let name = match &proto.name {
            n if !n.is_empty() => n.clone(),
            _ => proto.output.iter().find(|o| !o.is_empty()).cloned().unwrap_or_default(),
        };
        let find = |value: &String| match self.find(value) {
            _ if value.is_empty() => Ok(None),
            Some(id) => Ok(Some(id)),
            None => Err(invalid(format!("node '{name}' reads '{value}', which nothing computes"))),
        };
        let inputs = proto.input.iter().map(find).collect::<Result<Vec<_>>>()?;
        let outputs = proto.output.iter().map(find).collect::<Result<Vec<_>>>()?;
        let domain = if proto.domain == "ai.onnx" { String::new() } else { proto.domain };
        if domain.is_empty() && proto.op_type == "If" {
            let branches = std::mem::take(&mut proto.attribute);
            return self.choice(&name, &inputs, &outputs, branches);
        }
        let mut attributes = Vec::with_capacity(proto.attribute.len());
        for attribute in proto.attribute {
            let key = attribute.name.clone();
            let value = self
                .attribute(attribute)
                .map_err(|e| invalid(format!("{} node '{name}': {e}", proto.op_type)))?;
            attributes.push((key, value));
        }
        attributes.sort_by(|a, b| a.0.cmp(&b.0));
        if domain.is_empty() && proto.op_type == "Constant" {
            return self.constant(&name, &outputs, &attributes);
        }
        let scopes = scopes(&proto.metadata_props);
        self.graph.push_node(Node {
            op: proto.op_type,
            domain,
            name,
            scopes,
            inputs,
            outputs,
            attributes,
            when: self.when.clone(),
        });
        Ok(())
    }

    /// A Constant node is a constant of the graph like any other.
    fn constant(
        &mut self,
        name: &str,
        outputs: &[Option<ValueId>],
        attributes: &[(String, Attribute)],
    ) -> Result<()> {
        let scalar_i64 = |i: i64| {
            Tensor::from_bytes(DType::I64, vec![], Bytes::copy_from_slice(&i.to_le_bytes()))
        };
        let tensor = match attributes {
            [(_, Attribute::Tensor(t))] => Some(t.clone()),
            [(_, Attribute::Float(f))] => Some(Tensor::scalar(*f)),
            [(_, Attribute::Floats(f))] => Tensor::from_f32s(&[f.len()], f),
            [(_, Attribute::Int(i))] => scalar_i64(*i),
            [(_, Attribute::Ints(i))] => Some(Tensor::from_i64s(i)),
            _ => None,
        };
        let (Some(tensor), [Some(output)]) = (tensor, outputs) else {
            return Err(invalid(format!("Constant node '{name}' holds no tensor")));
        };
        let value = &mut self.graph.values[output.0];
        value.dtype = Some(tensor.dtype());
        value.shape = Some(tensor.shape().to_vec());
        value.initializer = Some(tensor);
        Ok(())
    }
}

/// A dimension as a file declares it.
pub(crate) fn dim(proto: &proto::DimensionProto) -> Dim {
    match proto.dim_value {
        Some(size) if size > 0 => Dim::Fixed(size as usize),
        _ => Dim::Dynamic(proto.dim_param.clone().unwrap_or_default()),
    }
}

/// The module path that PyTorch's exporter records, as a Python list of strings.
fn scopes(metadata: &[proto::StringStringEntryProto]) -> Vec<String> {
    let Some(entry) = metadata.iter().find(|p| p.key == "pkg.torch.onnx.name_scopes") else {
        return Vec::new();
    };
    let list = entry.value.trim().trim_start_matches('[').trim_end_matches(']');
    list.split(',')
        .map(|s| s.trim().trim_matches(['\'', '"']).to_owned())
        .filter(|s| !s.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
