//! Changes the inputs of a graph: their shapes, their types, and which values are inputs.

use crate::error::Result;
use crate::graph::{Attribute, Dim, Graph, Node, Value, ValueId};
use crate::tensor::{DType, Tensor};

impl Graph {
    /// Fixes the shape of an input, in place of the dimensions that the file declares.
    pub fn fix_input(&mut self, input: ValueId, shape: &[usize]) {
        let value = &mut self.values[input.0];
        value.shape = Some(shape.to_vec());
        value.declared = Some(shape.iter().map(|d| Dim::Fixed(*d)).collect());
    }

    /// Turns an input into a constant.
    pub fn bind_input(&mut self, input: ValueId, tensor: Tensor) {
        self.inputs.retain(|i| *i != input);
        let value = &mut self.values[input.0];
        value.dtype = Some(tensor.dtype());
        value.shape = Some(tensor.shape().to_vec());
        value.initializer = Some(tensor);
    }

    /// Runs with this content of an input, without deriving anything from it but shapes: what is
    /// written is right for any other content of that shape, too.
    pub fn bind_example(&mut self, input: ValueId, tensor: Tensor) {
        self.bind_input(input, tensor);
        self.values[input.0].example = true;
    }

    /// Repeats the first element along the first axis of an example, so that there are `count`.
    /// Returns whether its content is known.
    pub fn repeat_example(&mut self, input: ValueId, count: usize) -> bool {
        let value = &mut self.values[input.0];
        let repeated = value.initializer.as_ref().and_then(|t| {
            let (rows, bytes) = (*t.shape().first()?, t.bytes()?);
            let row = bytes.get(..bytes.len().checked_div(rows)?)?;
            let mut shape = t.shape().to_vec();
            *shape.first_mut()? = count;
            Tensor::from_bytes(t.dtype(), shape, row.repeat(count).into())
        });
        if let Some(tensor) = &repeated {
            value.shape = Some(tensor.shape().to_vec());
            value.initializer.clone_from(&repeated);
        }
        repeated.is_some()
    }

    /// Gives an input a first axis, of size 1, which the graph removes. Returns the value without
    /// it, which has the input's place in the graph.
    ///
    /// # Errors
    /// If the graph has a cycle.
    pub fn add_batch_axis(&mut self, input: ValueId) -> Result<ValueId> {
        let Value { name, dtype, declared, .. } = self.value(input).clone();
        let own = self.add_value(&name, dtype, None);
        for node in &mut self.nodes {
            let reads = node.inputs.iter_mut().filter(|i| **i == Some(input));
            reads.for_each(|i| *i = Some(own));
        }
        let of_batch = |dims: Vec<Dim>| [vec![Dim::Fixed(1)], dims].concat();
        self.values[input.0].declared = declared.map(of_batch);
        self.push_over_first_axis("Squeeze", input, own);
        self.sort_nodes()?;
        Ok(own)
    }

    /// Makes `own`, which [`add_batch_axis`](Self::add_batch_axis) returned for `input`, the input
    /// again, under its own name; `input` is computed from it.
    ///
    /// # Errors
    /// If the graph has a cycle.
    pub fn remove_batch_axis(&mut self, input: ValueId, own: ValueId) -> Result<()> {
        let name = self.value(input).name.clone();
        self.rename(input, &format!("{name}/batch"));
        self.rename(own, &name);
        for node in &mut self.nodes {
            node.outputs.iter_mut().filter(|o| **o == Some(own)).for_each(|o| *o = None);
        }
        self.values[own.0].producer = None;
        self.inputs.iter_mut().filter(|i| **i == input).for_each(|i| *i = own);
        let of = |value: &Value| (value.dtype, value.dtype.unwrap_or(DType::F32));
        let ((own_type, _), (input_type, to)) = (of(self.value(own)), of(self.value(input)));
        if own_type == input_type {
            self.push_over_first_axis("Unsqueeze", own, input);
        } else {
            let batch = self.add_value(&name, own_type, None);
            self.push_over_first_axis("Unsqueeze", own, batch);
            self.push_node(Node {
                op: "Cast".into(),
                name: self.value(input).name.clone(),
                inputs: vec![Some(batch)],
                outputs: vec![Some(input)],
                attributes: vec![("to".into(), Attribute::Int(to as i64))],
                ..Node::default()
            });
        }
        self.sort_nodes()
    }

    /// Appends a node that removes or inserts the first axis.
    fn push_over_first_axis(&mut self, op: &str, from: ValueId, to: ValueId) {
        let axes = self.add_initializer("batch/axis", Tensor::from_i64s(&[0]));
        self.push_node(Node {
            op: op.into(),
            name: self.value(to).name.clone(),
            inputs: vec![Some(from), Some(axes)],
            outputs: vec![Some(to)],
            ..Node::default()
        });
    }

    /// Turns a computed value (of floats) into an input, so that nodes that only served to compute
    /// it are no longer needed. Inputs that no output depends on any more are dropped. Shapes that
    /// the graph computes become constants.
    ///
    /// All shapes must be known. If the value is an input already, nothing changes.
    pub fn make_input(&mut self, value: ValueId) {
        if self.inputs.contains(&value) {
            return;
        }
        for node in &mut self.nodes {
            for output in &mut node.outputs {
                let Some(id) = *output else { continue };
                let of_shape = matches!(node.op.as_str(), "Shape" | "Size");
                let folded = self.values[id.0].folded.take_if(|_| of_shape);
                if id == value || folded.is_some() {
                    self.values[id.0].initializer = folded;
                    self.values[id.0].producer = None;
                    *output = None;
                }
            }
        }
        self.values[value.0].dtype = Some(DType::F32);
        self.inputs.push(value);
        self.drop_unused_inputs();
    }

    /// Drops the inputs that no output depends on.
    pub fn drop_unused_inputs(&mut self) {
        let needed = self.ancestors(&self.outputs);
        self.inputs.retain(|i| needed[i.0]);
    }

    /// Turns an input of bytes into one of floats, which the graph rounds and clamps to the range
    /// of bytes. Inputs of other types stay as they are.
    ///
    /// # Errors
    /// If the graph has a cycle.
    pub fn accept_floats(&mut self, input: ValueId) -> Result<()> {
        let Some(dtype @ (DType::U8 | DType::I8)) = self.value(input).dtype else {
            return Ok(());
        };
        let name = self.value(input).name.clone();
        let bytes = self.add_value(&name, Some(dtype), None);
        for node in &mut self.nodes {
            let reads = node.inputs.iter_mut().filter(|i| **i == Some(input));
            reads.for_each(|i| *i = Some(bytes));
        }
        self.values[input.0].dtype = Some(DType::F32);
        let scale = self.add_initializer(&name, Tensor::scalar(1.0));
        let zero = Tensor::from_bytes(dtype, vec![], vec![0].into());
        let zero = zero.map(|zero| self.add_initializer(&name, zero));
        self.push_node(Node {
            op: "QuantizeLinear".into(),
            name: self.value(bytes).name.clone(),
            inputs: vec![Some(input), Some(scale), zero],
            outputs: vec![Some(bytes)],
            ..Node::default()
        });
        self.sort_nodes()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::run;
    use crate::{DType, Graph, Tape, Tensor};

    #[test]
    fn a_graph_begins_at_the_new_input() {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[2, 3]);
        let a = x.relu();
        let size = [DType::I64; 1].map(|t| tape.op("Shape", &[Some(x)], &[], t, vec![2]));
        let y = tape.op("Reshape", &[Some(a.exp()), Some(size[0])], &[], DType::F32, vec![2, 3]);
        let (a, size, y) = (a.id(), size[0].id(), y.id());
        let mut graph = tape.into_graph().unwrap();
        graph.values[size.0].folded = Some(Tensor::from_i64s(&[2, 3]));
        graph.set_outputs(&[y]);
        graph.make_input(a);
        assert_eq!(graph.inputs(), [a]);
        let at = Tensor::from_f32s(&[2, 3], &[0.0; 6]).unwrap();
        assert_eq!(run(&graph, &[(a, &at)])[0].to_f32s().unwrap(), [1.0; 6]);
    }
}
