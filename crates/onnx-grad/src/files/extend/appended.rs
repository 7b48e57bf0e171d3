//! The part of a graph that a file does not have.

use super::*;

/// What is to be appended to a file.
pub(super) struct Part<'a> {
    graph: &'a Graph,
    origins: &'a Origins,
    /// Per value: whether it is needed, directly or for others that are.
    needed: Vec<bool>,
    /// Per value, its name in the file.
    names: Vec<String>,
    taken: HashSet<String>,
}

impl<'a> Part<'a> {
    pub(super) fn of(graph: &'a Graph, origins: &'a Origins) -> Part<'a> {
        let mut needed = vec![false; graph.values.len()];
        graph.outputs().iter().for_each(|v| needed[v.0] = true);
        let new = |v: &ValueId| match origins.of_value(graph, *v) {
            None => true,
            Some(origin) => origin == Origin::Converted,
        };
        for node in graph.nodes.iter().rev() {
            if node.outputs.iter().flatten().any(|v| needed[v.0] && new(v)) {
                node.inputs.iter().flatten().for_each(|v| needed[v.0] = true);
            }
        }
        let mut taken = origins.names.clone();
        let mut names = Vec::with_capacity(needed.len());
        for (id, value) in graph.values() {
            names.push(match origins.of_value(graph, id) {
                Some(Origin::Same) => value.name.clone(),
                _ => unique(&value.name, &mut taken),
            });
        }
        Part { graph, origins, needed, names, taken }
    }

    /// The value's name in the file.
    pub(super) fn name(&self, id: ValueId) -> String {
        self.names[id.0].clone()
    }

    /// All names that are taken.
    pub(super) fn names(&mut self) -> &mut HashSet<String> {
        &mut self.taken
    }

    fn origin(&self, id: ValueId) -> Option<Origin> {
        self.origins.of_value(self.graph, id)
    }

    /// Whether it is computed by what is appended.
    fn is_new(&self, id: ValueId) -> bool {
        self.needed[id.0] && matches!(self.origin(id), None | Some(Origin::Converted))
    }

    fn nodes(&self) -> impl Iterator<Item = &'a Node> {
        let new = |n: &&Node| n.outputs.iter().flatten().any(|v| self.is_new(*v));
        self.graph.nodes.iter().filter(move |n| new(n))
    }

    /// The first opset from this one on that has all nodes in a form that is known.
    pub(super) fn opset(&self, from: i64) -> Result<i64> {
        self.nodes().try_fold(from, |opset, node| Ok(opset.max(forms::since(node)?)))
    }

    /// The nodes and constants to be appended, in the forms of this opset.
    pub(super) fn write(
        &mut self,
        opset: i64,
        content: Content<'_>,
    ) -> Result<(Vec<NodeProto>, Vec<crate::proto::TensorProto>)> {
        let (mut nodes, mut constants) = (Vec::new(), Vec::new());
        for (id, value) in self.graph.values().filter(|(id, _)| self.needed[id.0]) {
            match self.origin(id) {
                Some(Origin::Stored) => nodes.push(self.converted(id)),
                Some(Origin::Same) => {}
                None | Some(Origin::Converted) => {
                    let Some(tensor) = &value.initializer else { continue };
                    let tensor = match tensor.bytes() {
                        Some(_) => tensor.clone(),
                        None => content(&value.name)
                            .filter(|t| t.shape() == tensor.shape())
                            .ok_or_else(|| {
                                Error::Invalid(format!("the content of '{}' is lost", value.name))
                            })?,
                    };
                    constants.push(tensor_proto(&self.names[id.0], &tensor));
                }
            }
        }
        let appended: Vec<&Node> = self.nodes().collect();
        for node in appended {
            let node = forms::lower(node, self.graph, opset)?;
            let name = node.outputs.iter().flatten().next().map(|v| self.name(*v));
            nodes.push(named_proto(&node, &name.unwrap_or_default(), |v| self.name(v)));
        }
        // A constant that became an attribute is read no more.
        let mut read = HashSet::new();
        nodes.iter().for_each(|n| origin::read_by(n, &mut read));
        read.extend(self.graph.outputs().iter().map(|v| self.name(*v)));
        constants.retain(|t| read.contains(&t.name));
        Ok((nodes, constants))
    }

    /// What the file stores, or takes, in another element type.
    fn converted(&self, id: ValueId) -> NodeProto {
        let value = self.graph.value(id);
        let to = value.dtype.unwrap_or(DType::F32) as i64;
        let node = Node {
            op: "Cast".into(),
            attributes: vec![("to".into(), Attribute::Int(to))],
            ..Node::default()
        };
        let mut proto = named_proto(&node, &self.names[id.0], |v| self.name(v));
        proto.input = vec![value.name.clone()];
        proto.output = vec![self.name(id)];
        proto
    }
}

/// A name like this one that is not taken.
pub(super) fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let mut candidates =
        std::iter::once(name.to_owned()).chain((2..).map(|i| format!("{name}_{i}")));
    let free = candidates.find(|n| taken.insert(n.clone()));
    free.unwrap_or_default()
}
