//! Reads ONNX files into graphs.

mod control_flow;
mod decoder;
mod elements;
mod external;
mod functions;
mod reader;

use bytes::Buf;
use prost::Message;

pub use external::{ExternalData, ReadExternal};
pub(super) use functions::inline_functions;
pub(super) use reader::Reader;

use super::proto;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::passes::canonical;

impl Graph {
    /// Reads an ONNX model. `external` reads weights that are stored in other files. Weights within
    /// `Bytes` share their memory.
    ///
    /// The graph is brought into canonical form: opset 21, in float32, which half-precision and
    /// double weights are converted to. Malformed files are errors, so that nothing later has to
    /// doubt the graph.
    ///
    /// # Errors
    /// If the bytes are not an ONNX model, or if the model is truncated, contradicts itself or
    /// needs what is not supported, such as sparse weights or loops of too many steps.
    pub fn from_onnx(model: impl Buf, external: &mut ReadExternal<'_>) -> Result<Graph> {
        let mut model = proto::ModelProto::decode(model)
            .map_err(|e| Error::NotOnnx(format!("not an ONNX model, or a damaged one ({e})")))?;
        inline_functions(&mut model)?;
        let graph = model
            .graph
            .ok_or_else(|| Error::NotOnnx("not an ONNX model: it holds no graph".into()))?;
        if graph.node.is_empty() {
            return Err(Error::NotOnnx("not an ONNX model: its graph has no nodes".into()));
        }
        if !graph.sparse_initializer.is_empty() {
            return Err(Error::invalid("the model has sparse weights, which are not supported"));
        }
        let mut reader = Reader::new(Graph::default(), external);
        reader.graph.metadata =
            model.metadata_props.into_iter().map(|p| (p.key, p.value)).collect();
        let domain = |name: String| if proto::is_standard(&name) { String::new() } else { name };
        reader.graph.opsets =
            model.opset_import.into_iter().map(|o| (domain(o.domain), o.version)).collect();
        reader.read(graph)?;
        let mut graph = reader.graph;
        canonical::canonicalize(&mut graph)?;
        graph.resolve_control_flow()?;
        Ok(graph)
    }
}

#[cfg(test)]
mod tests;
