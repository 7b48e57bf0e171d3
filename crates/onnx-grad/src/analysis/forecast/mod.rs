//! Foresees the shapes of values, and the memory that a run would take, before anything is run.
//!
//! Shapes are learnt by a run (see [`Probe`](crate::Probe)), which a small file can make take any
//! amount of memory. What is foreseen is checked first. It is the shape that the standard says, for
//! operators whose outputs have more elements than their inputs, and those that lie between them;
//! what cannot be foreseen is left open.

mod contents;
mod shapes;
mod windows;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Value, ValueId};

/// The most elements of a value whose content is kept: of shapes, pads, repeats.
const LARGEST_CONTENT: usize = 1 << 10;

impl Graph {
    /// Checks that a run of the graph would not take more memory than this, as far as that can be
    /// foreseen. The shapes of its inputs must be fixed.
    ///
    /// # Errors
    /// If it would; the node is named whose output is too large, alone or with others.
    pub fn check_memory(&self, bytes: u64) -> Result<()> {
        let forecast = Forecast::of(self);
        let needed = self.ancestors(&self.outputs);
        let size = |id: &ValueId| {
            let shape = forecast.shapes[id.0].as_deref().unwrap_or_default();
            shape.iter().fold(4u64, |bytes, axis| bytes.saturating_mul(*axis as u64))
        };
        let mut last_use = vec![usize::MAX; self.values.len()];
        for (n, node) in self.nodes.iter().enumerate() {
            node.inputs.iter().flatten().for_each(|v| last_use[v.0] = n);
        }
        let mut alive = 0u64;
        for input in &self.inputs {
            alive = alive.saturating_add(size(input));
            if alive > bytes {
                let Value { name, shape, .. } = self.value(*input);
                return Err(Error::invalid(format!(
                    "the input '{name}' would have the shape {:?}, and the model would take more than {} MB",
                    shape.as_deref().unwrap_or_default(),
                    bytes / 1_000_000
                )));
            }
        }
        for (n, node) in self.nodes.iter().enumerate() {
            if !node.outputs.iter().flatten().any(|v| needed[v.0]) {
                continue;
            }
            let made = node.outputs.iter().flatten().map(size).fold(0, u64::saturating_add);
            alive = alive.saturating_add(made);
            if alive > bytes {
                let first = node.outputs.iter().flatten().next();
                let shape = first.and_then(|v| forecast.shapes[v.0].as_deref());
                return Err(node.unsupported(format!(
                    "its output would have the shape {:?}, and the model would take more than {} MB",
                    shape.unwrap_or_default(),
                    bytes / 1_000_000
                )));
            }
            let mut read: Vec<ValueId> = node.inputs.iter().flatten().copied().collect();
            read.sort_unstable();
            read.dedup();
            let computed = |v: &&ValueId| last_use[v.0] == n && self.value(**v).producer.is_some();
            let freed = read.iter().filter(computed).map(size).fold(0, u64::saturating_add);
            alive = alive.saturating_sub(freed);
        }
        Ok(())
    }
}

impl Graph {
    /// Values whose content must be known before it can be foreseen how large others will be, and
    /// that do not depend on such others: a run that computes them alone takes little.
    pub fn unforeseen(&self) -> Vec<ValueId> {
        let forecast = Forecast::of(self);
        let needed: Vec<ValueId> = self.outputs.iter().copied().chain(self.conditions()).collect();
        let (needed, conditional) = (self.ancestors(&needed), self.conditional_values());
        let mut behind = vec![false; self.values.len()];
        let mut open = Vec::new();
        for node in &self.nodes {
            let (inputs, outputs) = (node.inputs.iter().flatten(), node.outputs.iter().flatten());
            let after = inputs.clone().any(|v| behind[v.0] || conditional[v.0]);
            let unknown = |v: &ValueId| needed[v.0] && forecast.shapes[v.0].is_none();
            let is_open =
                !after && shapes::is_sized_by_input(&node.op) && outputs.clone().any(unknown);
            if is_open {
                // Of what is resized or repeated, the shape alone counts.
                let shaped = |i: usize, v: &ValueId| {
                    i == 0 && node.inputs.len() > 1 && forecast.shapes[v.0].is_some()
                };
                let sizes = node.inputs.iter().enumerate().filter_map(|(i, v)| Some((i, (*v)?)));
                let sizes = sizes.filter(|(i, v)| node.op == "Range" || !shaped(*i, v));
                open.extend(sizes.map(|(_, v)| v).filter(|v| self.value(*v).producer.is_some()));
            }
            if is_open || after {
                outputs.for_each(|v| behind[v.0] = true);
            }
        }
        open.sort_unstable();
        open.dedup();
        open
    }
}

/// What is known of the values of a graph before it is run.
struct Forecast<'g> {
    graph: &'g Graph,
    shapes: Vec<Option<Vec<usize>>>,
    /// The elements of small vectors and scalars, which shapes are computed from.
    contents: Vec<Option<Vec<f64>>>,
}

impl<'g> Forecast<'g> {
    fn of(graph: &'g Graph) -> Self {
        let mut forecast = Self { graph, shapes: vec![], contents: vec![] };
        for (_, value) in graph.values() {
            let tensor = value.initializer.as_ref().or(value.folded.as_ref());
            let shape = value.shape.clone().or(tensor.map(|t| t.shape().to_vec()));
            let count = shape.as_deref().map(shapes::product);
            let small = count.is_some_and(|count| count <= LARGEST_CONTENT);
            let content = tensor.filter(|_| small && !value.example).and_then(contents::elements);
            forecast.shapes.push(shape);
            forecast.contents.push(content);
        }
        for (_, node) in graph.nodes() {
            forecast.foresee(node);
        }
        forecast
    }

    /// Adds what is known of a node's outputs.
    fn foresee(&mut self, node: &Node) {
        if !node.domain.is_empty() {
            return;
        }
        let content = contents::content(self, node);
        let shapes = shapes::outputs(self, node).unwrap_or_default();
        for (i, output) in node.outputs.iter().enumerate() {
            let Some(output) = output else { continue };
            if self.shapes[output.0].is_none() {
                self.shapes[output.0] = shapes.get(i).cloned();
            }
        }
        if let (Some(content), Some(Some(output))) = (content, node.outputs.first())
            && content.len() <= LARGEST_CONTENT
            && self.contents[output.0].is_none()
        {
            self.contents[output.0] = Some(content);
        }
    }

    /// The shape of input `i` of a node.
    fn shape(&self, node: &Node, i: usize) -> Option<&[usize]> {
        self.shapes[node.input(i)?.0].as_deref()
    }

    /// The elements of input `i` of a node.
    fn content(&self, node: &Node, i: usize) -> Option<&[f64]> {
        self.contents[node.input(i)?.0].as_deref()
    }

    /// The elements of input `i` of a node as sizes: negative ones are 0.
    fn sizes(&self, node: &Node, i: usize) -> Option<Vec<usize>> {
        Some(self.content(node, i)?.iter().map(|x| *x as usize).collect())
    }
}

/// The index of an axis, of which negative ones count from the end.
fn axis(axis: f64, rank: usize) -> Option<usize> {
    let axis = if axis < 0.0 { axis + rank as f64 } else { axis };
    (axis >= 0.0 && (axis as usize) < rank).then_some(axis as usize)
}

#[cfg(test)]
mod tests;
