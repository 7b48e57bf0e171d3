//! Reads the graph of a file: its values and its nodes.

use std::collections::HashMap;

use bytes::Bytes;

use super::decoder::Decoder;
use super::external::ReadExternal;
use crate::error::{Error, Result};
use crate::files::proto;
use crate::files::value_info::dims;
use crate::graph::{Attribute, Graph, LOOP_END, LOOP_START, Node, Predicate, ValueId};
use crate::tensor::{DType, Tensor, onnx_type};

/// A graph that is being read.
pub(crate) struct Reader<'a, 'b> {
    pub(super) graph: Graph,
    decoder: Decoder<'a, 'b>,
    /// The names of values in the branches and loops that are being read, outermost first.
    pub(super) names: Vec<HashMap<String, ValueId>>,
    /// The conditions on which these run.
    pub(super) predicates: Vec<Predicate>,
}

impl<'a, 'b> Reader<'a, 'b> {
    /// A reader that adds to a graph.
    pub(super) fn new(graph: Graph, external: &'a mut ReadExternal<'b>) -> Self {
        Reader { graph, decoder: Decoder { external }, names: vec![], predicates: vec![] }
    }

    /// Adds a node to a graph that has all values which the node reads and computes.
    ///
    /// # Errors
    /// If the node is malformed.
    pub(crate) fn read_node(
        graph: Graph,
        external: &'a mut ReadExternal<'b>,
        node: proto::NodeProto,
    ) -> Result<Graph> {
        let mut reader = Self::new(graph, external);
        reader.node(node)?;
        Ok(reader.graph)
    }

    /// Reads the graph of a file.
    ///
    /// # Errors
    /// If it is malformed.
    pub(super) fn read(&mut self, proto: proto::GraphProto) -> Result<()> {
        for tensor in proto.initializer {
            self.check_new(&tensor.name)?;
            let name = tensor.name.clone();
            self.initializer(&name, tensor)?;
        }
        for input in &proto.input {
            // Before IR version 4, constants are listed among the inputs, too.
            if self.graph.find(&input.name).is_some_and(|v| !self.graph.inputs.contains(&v)) {
                continue;
            }
            self.check_new(&input.name)?;
            let id = self.graph.add_value(&input.name, None, None);
            self.declare(input);
            self.graph.inputs.push(id);
        }
        // Nodes may come in any order, so that all outputs are added before any input is looked up.
        for node in &proto.node {
            for name in node.output.iter().filter(|n| !n.is_empty()) {
                self.check_new(name)?;
                self.graph.add_value(name, None, None);
            }
        }
        for node in proto.node {
            self.node(node)?;
        }
        for output in &proto.output {
            let id = self.graph.find(&output.name).ok_or_else(|| {
                Error::invalid(format!("no node computes the output '{}'", output.name))
            })?;
            self.declare(output);
            self.graph.outputs.push(id);
        }
        if self.graph.outputs.is_empty() {
            return Err(Error::invalid("the model has no outputs"));
        }
        Ok(())
    }

    /// Adds a stored tensor. Of strings, such as the classes' names, it is a value that nothing computes: no scores depend on
    /// them.
    pub(super) fn initializer(
        &mut self,
        name: &str,
        tensor: proto::TensorProto,
    ) -> Result<ValueId> {
        if tensor.data_type == onnx_type::STRING {
            return Ok(self.graph.add_value(name, None, None));
        }
        let tensor = self.decoder.tensor(tensor)?;
        Ok(self.graph.add_initializer(name, tensor))
    }

    /// Checks that a value has a name that no other has.
    fn check_new(&self, name: &str) -> Result<()> {
        match self.graph.find(name) {
            _ if name.is_empty() => Err(Error::invalid("a value of the graph has no name")),
            Some(_) => Err(Error::invalid(format!("value '{name}' is defined twice"))),
            None => Ok(()),
        }
    }

    /// Takes over the type and dimensions that the file declares of an input or output.
    fn declare(&mut self, info: &proto::ValueInfoProto) {
        let tensor = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
        let (Some(tensor), Some(id)) = (tensor, self.graph.find(&info.name)) else { return };
        let value = &mut self.graph.values[id.0];
        value.dtype = DType::representing(tensor.elem_type);
        value.declared = tensor.shape.as_ref().map(dims);
    }

    /// The value of a name, as seen from the branch that is being read.
    pub(super) fn find(&self, name: &str) -> Option<ValueId> {
        let nearest = self.names.iter().rev().find_map(|names| names.get(name).copied());
        nearest.or_else(|| self.graph.find(name))
    }

    pub(super) fn node(&mut self, mut proto: proto::NodeProto) -> Result<()> {
        let name = match &proto.name {
            n if !n.is_empty() => n.clone(),
            _ => proto.output.iter().find(|o| !o.is_empty()).cloned().unwrap_or_default(),
        };
        let find = |value: &String| match self.find(value) {
            _ if value.is_empty() => Ok(None),
            Some(id) => Ok(Some(id)),
            None => Err(Error::invalid(format!(
                "node '{name}' reads value '{value}', which nothing computes"
            ))),
        };
        let inputs = proto.input.iter().map(find).collect::<Result<Vec<_>>>()?;
        let outputs = proto.output.iter().map(find).collect::<Result<Vec<_>>>()?;
        let domain = if proto::is_standard(&proto.domain) { String::new() } else { proto.domain };
        if matches!(domain.as_str(), LOOP_START | LOOP_END) {
            return Err(Error::invalid(format!(
                "node '{name}' has the reserved domain '{domain}'"
            )));
        }
        if domain.is_empty() && proto.op_type == "If" {
            let branches = std::mem::take(&mut proto.attribute);
            return self.branches(&name, &inputs, &outputs, branches);
        }
        let is_loop = domain.is_empty() && matches!(proto.op_type.as_str(), "Loop" | "Scan");
        let body = is_loop.then(|| take_body(&name, &mut proto.attribute)).transpose()?;
        let mut attributes = Vec::with_capacity(proto.attribute.len());
        for attribute in proto.attribute {
            let key = attribute.name.clone();
            let value = self
                .decoder
                .attribute(attribute)
                .map_err(|e| Error::invalid(format!("{} node '{name}': {e}", proto.op_type)))?;
            attributes.push((key, value));
        }
        attributes.sort_by(|a, b| a.0.cmp(&b.0));
        if domain.is_empty() && proto.op_type == "Constant" {
            return self.constant(&name, &outputs, &attributes);
        }
        let scopes = scopes(&proto.metadata_props);
        let predicates = self.predicates.clone();
        let op = proto.op_type;
        let node = Node { op, domain, name, scopes, inputs, outputs, attributes, predicates };
        match body {
            Some(body) => self.repeated(node, body)?,
            None => drop(self.graph.push_node(node)),
        }
        Ok(())
    }

    /// Makes the output of a Constant node a constant of the graph.
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
            // Like a stored tensor of strings.
            [(_, Attribute::String(_) | Attribute::Strings(_))] => return Ok(()),
            _ => None,
        };
        let (Some(tensor), [Some(output)]) = (tensor, outputs) else {
            return Err(Error::invalid(format!("Constant node '{name}' does not hold a tensor")));
        };
        let value = &mut self.graph.values[output.0];
        value.dtype = Some(tensor.dtype());
        value.shape = Some(tensor.shape().to_vec());
        value.initializer = Some(tensor);
        Ok(())
    }
}

/// Takes the body out of the attributes of a loop of this name.
fn take_body(name: &str, attributes: &mut Vec<proto::AttributeProto>) -> Result<proto::GraphProto> {
    let at = attributes.iter().position(|a| a.name == "body" && a.g.is_some());
    let body = at.and_then(|at| attributes.remove(at).g);
    body.map(|body| *body)
        .ok_or_else(|| Error::invalid(format!("node '{name}' is a loop, but lacks a body")))
}

/// The names of the modules that a node comes from. PyTorch's exporter records them as a Python
/// list of strings.
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
