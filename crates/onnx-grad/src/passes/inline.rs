//! Inlines one graph into another: the same computation once more, of other inputs.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::tape::{Tape, Var};

impl Tape {
    /// Appends copies of the nodes by which `graph` computes the values `outputs`, and returns
    /// those values. Each of `inputs` is a value of `graph` and the one that takes its place. The
    /// names of copied values begin with the [scope](Self::set_scope). Constants that this graph
    /// already has under the same name are not stored twice. The shapes of `graph` must be known.
    ///
    /// # Errors
    /// If a value is needed that is not among `inputs`, constant or computed, or if a node runs
    /// only on a condition.
    pub fn inline<'g>(
        &'g self,
        graph: &Graph,
        inputs: &[(ValueId, Var<'g>)],
        outputs: &[ValueId],
    ) -> Result<Vec<Var<'g>>> {
        let mut copies: HashMap<ValueId, ValueId> =
            inputs.iter().map(|(v, x)| (*v, x.id)).collect();
        let needed = graph.needed(outputs, |v| copies.contains_key(&v));
        for (id, value) in graph.values().filter(|(id, _)| needed[id.0]) {
            let Some(tensor) = value.initializer.as_ref().filter(|_| !copies.contains_key(&id))
            else {
                continue;
            };
            let mut own = self.graph_mut();
            let same = own
                .find(&value.name)
                .filter(|v| own.value(*v).initializer.as_ref() == Some(tensor));
            let constant = same.unwrap_or_else(|| own.add_initializer(&value.name, tensor.clone()));
            copies.insert(id, constant);
        }
        let computed =
            |n: &&Node| n.outputs.iter().flatten().any(|v| needed[v.0] && !copies.contains_key(v));
        let nodes: Vec<&Node> = graph.nodes.iter().filter(computed).collect();
        for node in nodes {
            self.inline_node(graph, node, &mut copies)?;
        }
        let copy =
            |v: &ValueId| copies.get(v).map(|v| self.var(*v)).ok_or_else(|| missing(graph, *v));
        outputs.iter().map(copy).collect()
    }

    /// Appends a copy of a node. `copies` maps the values of `graph` to those of this graph.
    fn inline_node(
        &self,
        graph: &Graph,
        node: &Node,
        copies: &mut HashMap<ValueId, ValueId>,
    ) -> Result<()> {
        if !node.predicates.is_empty() {
            return Err(node.unsupported("it runs only on a condition that is not known"));
        }
        let copy = |v: &Option<ValueId>| {
            v.map(|v| copies.get(&v).copied().ok_or_else(|| missing(graph, v))).transpose()
        };
        let inputs = node.inputs.iter().map(copy).collect::<Result<Vec<_>>>()?;
        let mut own = self.graph_mut();
        let outputs = node.outputs.iter().map(|output| {
            let value = graph.value((*output)?);
            let id = own.add_value(&self.scoped(&value.name), value.dtype, value.shape.clone());
            own.values[id.0].folded.clone_from(&value.folded);
            Some(id)
        });
        let outputs: Vec<Option<ValueId>> = outputs.collect();
        for (from, to) in node.outputs.iter().zip(&outputs) {
            copies.extend(from.zip(*to));
        }
        let first = outputs.iter().flatten().next();
        let name = first.map(|v| own.value(*v).name.clone()).unwrap_or_default();
        own.push_node(Node { inputs, outputs, name, ..node.clone() });
        Ok(())
    }
}

fn missing(graph: &Graph, value: ValueId) -> Error {
    Error::invalid(format!(
        "the value '{}' is needed, but nothing computes it",
        graph.value(value).name
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::run;
    use crate::{Graph, Tape, Tensor};

    #[test]
    fn a_graph_inlined_into_itself_shares_its_constants() {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[2]);
        let y = (x * tape.constant(Tensor::from_f32s(&[2], &[2.0, 3.0]).unwrap())).exp();
        let (x, y) = (x.id(), y.id());
        let graph = tape.into_graph().unwrap();
        let tape = Tape::new(graph.clone());
        let constants = |g: &Graph| g.values().filter(|(_, v)| v.initializer.is_some()).count();
        let other = tape.input("other", &[2]);
        let sums = tape.inline(&graph, &[(x, other)], &[y]).unwrap();
        let sum = tape.var(y) + sums[0];
        let (other, sum) = (other.id(), sum.id());
        assert!(tape.inline(&graph, &[], &[y]).is_err(), "x is not given");
        let mut both = tape.into_graph().unwrap();
        assert_eq!(constants(&both), constants(&graph));
        both.set_outputs(&[sum]);
        let [one, two] = [[1.0, 0.0], [0.0, 2.0]].map(|v| Tensor::from_f32s(&[2], &v).unwrap());
        let found = run(&both, &[(x, &one), (other, &two)]).remove(0).to_f32s().unwrap();
        let expected = [2f32.exp() + 1.0, 1.0 + 6f32.exp()];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?}");
    }
}
