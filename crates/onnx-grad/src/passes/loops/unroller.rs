//! Writes the steps of one loop.

use std::collections::HashMap;

use crate::error::Result;
use crate::graph::{Attribute, Graph, LOOP_END, LOOP_START, Node, ValueId};
use crate::rules::LONGEST_LOOP;
use crate::tensor::{DType, Tensor};

/// The most nodes after unrolling. A small file can hold loops within loops.
const MOST_NODES: usize = 100_000;

/// The attribute of a Loop that counts the steps that have been written.
const STEPS: &str = "onnx-grad.steps";

/// What became of a loop.
#[derive(PartialEq)]
pub(super) enum Progress {
    /// Nothing yet, as something is not known.
    Waits,
    /// Steps were written, but it is not known whether there are more.
    Steps,
    /// All steps were written.
    Ended,
}

/// A loop that is being unrolled.
pub(super) struct Unroller<'a> {
    graph: &'a mut Graph,
    token: ValueId,
    start: Node,
    end: Node,
    body: Vec<Node>,
    /// The number of steps of a Loop that have been written.
    steps: usize,
    /// The number of the body's results that are handed to the next step.
    carried: usize,
    /// The number of the body's results that the loop stacks.
    stacked: usize,
}

impl<'a> Unroller<'a> {
    /// The loop with this token and these nodes.
    pub(super) fn new(graph: &'a mut Graph, token: ValueId, nodes: &[usize]) -> Option<Self> {
        let (mut start, mut end, mut body) = (None, None, Vec::new());
        for node in nodes.iter().map(|n| &graph.nodes[*n]) {
            match node.domain.as_str() {
                LOOP_START if node.outputs.first() == Some(&Some(token)) => start = Some(node),
                LOOP_END if node.predicates.len() == 1 => end = Some(node),
                _ => body.push(node.clone()),
            }
        }
        let (start, end) = (start?.clone(), end?.clone());
        let number =
            |name| start.int(name).and_then(|number| usize::try_from(number).ok()).unwrap_or(0);
        let (steps, scanned) = (number(STEPS), number("num_scan_inputs"));
        let is_scan = start.op == "Scan";
        let carried = start.inputs.len().checked_sub(if is_scan { scanned } else { 2 })?;
        // The results of a Loop's body begin with its condition.
        let results = end.inputs.len().checked_sub(usize::from(!is_scan) + carried)?;
        let stacked = results / (1 + steps);
        Some(Self { graph, token, start, end, body, steps, carried, stacked })
    }

    /// Writes the steps that are known to run.
    ///
    /// # Errors
    /// If there are too many, or none but results of them.
    pub(super) fn unroll(mut self) -> Result<Progress> {
        if self.start.op == "Scan" { self.scan() } else { self.repeat() }
    }

    /// The attribute `name` of the loop: a number for each of its inputs or outputs, 0 by default.
    fn number(&self, name: &str, i: usize) -> i64 {
        self.start.ints(name).and_then(|numbers| numbers.get(i).copied()).unwrap_or(0)
    }

    /// Unrolls a Scan if the shapes of its inputs are known.
    fn scan(&mut self) -> Result<Progress> {
        let mut state = self.state(0)?;
        let scanned = state.split_off(self.carried);
        let mut axes = Vec::new();
        for (i, x) in scanned.iter().enumerate() {
            let Some(shape) = self.graph.shape(*x) else { return Ok(Progress::Waits) };
            let axis = self.number("scan_input_axes", i);
            let axis = if axis < 0 { axis + shape.len() as i64 } else { axis };
            let steps = usize::try_from(axis).ok().and_then(|axis| shape.get(axis)).copied();
            let steps =
                steps.filter(|steps| (1..=LONGEST_LOOP).contains(steps)).ok_or_else(|| {
                    let what =
                        format!("an input of shape {shape:?} along axis {axis} is not supported");
                    self.start.unsupported(what)
                })?;
            axes.push((axis, steps));
        }
        let mut elements = Vec::new();
        for (i, (x, (axis, steps))) in scanned.iter().zip(axes).enumerate() {
            let mut along = self.elements(*x, axis, steps);
            if self.number("scan_input_directions", i) == 1 {
                along.reverse();
            }
            elements.push(along);
        }
        let steps = elements.first().map_or(0, Vec::len);
        if elements.iter().any(|along| along.len() != steps) {
            return Err(self.start.unsupported("its inputs have different lengths"));
        }
        let mut pieces = vec![Vec::new(); self.stacked];
        for step in 0..steps {
            let given = state.iter().copied().chain(elements.iter().map(|along| along[step]));
            state = self.step(step, &given.collect::<Vec<_>>())?;
            let results = state.split_off(self.carried);
            pieces.iter_mut().zip(results).for_each(|(all, piece)| all.push(piece));
        }
        for (i, along) in pieces.iter_mut().enumerate() {
            if self.number("scan_output_directions", i) == 1 {
                along.reverse();
            }
        }
        self.finish(&state, &pieces)?;
        Ok(Progress::Ended)
    }

    /// Unrolls a Loop as far as it is known to go on. What is written so far is kept in the two nodes:
    /// the start has the state after the last step, and the end the results of all steps.
    fn repeat(&mut self) -> Result<Progress> {
        let first = self.steps;
        while let Some(goes_on) = self.goes_on() {
            let state = self.state(2)?;
            if !goes_on {
                let of_steps = &self.end.inputs[1 + self.carried + self.stacked..];
                let of = |i| of_steps.iter().skip(i).step_by(self.stacked).copied().flatten();
                let pieces: Vec<_> = (0..self.stacked).map(|i| of(i).collect()).collect();
                self.finish(&state, &pieces)?;
                return Ok(Progress::Ended);
            }
            if self.steps == LONGEST_LOOP {
                let what = format!("more than {LONGEST_LOOP} steps are not supported");
                return Err(self.start.unsupported(what));
            }
            let step = self.constant(DType::I64, &(self.steps as i64).to_le_bytes());
            let given = [&[step, self.constant(DType::Bool, &[1])], state.as_slice()].concat();
            let mut next = self.step(self.steps, &given)?;
            let pieces = next.split_off(1 + self.carried);
            self.start.inputs.truncate(1);
            self.start.inputs.extend(next.into_iter().map(Some));
            self.end.inputs.extend(pieces.into_iter().map(Some));
            self.steps += 1;
        }
        self.start.set_attribute(STEPS, Attribute::Int(self.steps as i64));
        for node in &mut self.graph.nodes {
            match node.domain.as_str() {
                LOOP_START if node.outputs == self.start.outputs => node.clone_from(&self.start),
                LOOP_END if node.outputs == self.end.outputs => node.clone_from(&self.end),
                _ => {}
            }
        }
        Ok(if self.steps > first { Progress::Steps } else { Progress::Waits })
    }

    /// The inputs of the loop from this one.
    fn state(&self, first: usize) -> Result<Vec<ValueId>> {
        let state = self.start.inputs.iter().skip(first).copied().collect::<Option<Vec<_>>>();
        state.ok_or_else(|| self.start.unsupported("an input is missing"))
    }

    /// Whether a Loop goes on after the steps so far, if that is known.
    fn goes_on(&self) -> Option<bool> {
        let condition = self.start.input(1).map_or(Some(1), |c| self.graph.integer(c));
        let most = self.start.input(0).map_or(Some(i64::MAX), |m| self.graph.integer(m));
        match (condition, most) {
            (Some(0), _) => Some(false),
            (_, Some(most)) if self.steps as i64 >= most => Some(false),
            (Some(_), Some(_)) => Some(true),
            _ => None,
        }
    }

    /// Writes the body once more, with these values in place of its inputs, and returns its results.
    fn step(&mut self, step: usize, given: &[ValueId]) -> Result<Vec<ValueId>> {
        if self.graph.nodes.len() + self.body.len() > MOST_NODES {
            let what = format!("its steps have more than {MOST_NODES} nodes");
            return Err(self.start.unsupported(what));
        }
        let mut copies = HashMap::new();
        for (input, value) in self.start.outputs.iter().skip(1).zip(given) {
            copies.extend(input.map(|input| (input, *value)));
        }
        for output in self.body.iter().flat_map(|n| n.outputs.iter().flatten()) {
            if !copies.contains_key(output) {
                let value = self.graph.value(*output);
                let (name, dtype) = (format!("{}/{step}", value.name), value.dtype);
                copies.insert(*output, self.graph.add_value(&name, dtype, None));
            }
        }
        let copy = |value: ValueId| copies.get(&value).copied().unwrap_or(value);
        for node in &self.body {
            let mut node = node.clone();
            node.name = format!("{}/{step}", node.name);
            let values = node.inputs.iter_mut().chain(&mut node.outputs).flatten();
            values.for_each(|value| *value = copy(*value));
            node.predicates.retain(|p| p.condition != self.token);
            node.predicates.iter_mut().for_each(|p| p.condition = copy(p.condition));
            self.graph.push_node(node);
        }
        let results = (self.end.inputs.iter().flatten()).map(|result| copy(*result));
        let first = usize::from(self.start.op == "Loop");
        Ok(results.take(first + self.carried + self.stacked).collect())
    }

    /// Computes the loop's outputs: its last state, and what its steps gave.
    fn finish(&mut self, state: &[ValueId], pieces: &[Vec<ValueId>]) -> Result<()> {
        let outputs = self.end.outputs.clone();
        for (i, output) in outputs.into_iter().enumerate() {
            let Some(output) = output else { continue };
            if let Some(last) = state.get(i) {
                self.push("Identity", &[*last], &[], vec![Some(output)]);
                continue;
            }
            let Some(pieces) = pieces.get(i - state.len()).filter(|p| !p.is_empty()) else {
                let what = format!("output {i} of no steps is not supported");
                return Err(self.start.unsupported(what));
            };
            let axis = self.number("scan_output_axes", i - state.len());
            let axes = self.ints(&[axis]);
            let rows: Vec<ValueId> =
                pieces.iter().map(|p| self.op("Unsqueeze", &[*p, axes])).collect();
            let axis = [("axis", Attribute::Int(axis))];
            self.push("Concat", &rows, &axis, vec![Some(output)]);
        }
        Ok(())
    }

    /// The elements of a value along an axis, which is dropped.
    fn elements(&mut self, x: ValueId, axis: i64, count: usize) -> Vec<ValueId> {
        let mut parts = vec![x];
        if count > 1 {
            let sizes = self.ints(&vec![1; count]);
            parts = (0..count).map(|_| self.new_value("Split")).collect();
            let outputs = parts.iter().copied().map(Some).collect();
            self.push("Split", &[x, sizes], &[("axis", Attribute::Int(axis))], outputs);
        }
        let axes = self.ints(&[axis]);
        parts.iter().map(|part| self.op("Squeeze", &[*part, axes])).collect()
    }

    /// A constant scalar.
    fn constant(&mut self, dtype: DType, bytes: &[u8]) -> ValueId {
        let tensor = Tensor::from_bytes(dtype, vec![], bytes.to_vec().into());
        let name = format!("{}/constant", self.start.name);
        self.graph.add_initializer(&name, tensor.unwrap_or_else(|| Tensor::from_i64s(&[])))
    }

    /// A constant vector of integers.
    fn ints(&mut self, data: &[i64]) -> ValueId {
        let name = format!("{}/constant", self.start.name);
        self.graph.add_initializer(&name, Tensor::from_i64s(data))
    }

    fn new_value(&mut self, op: &str) -> ValueId {
        self.graph.add_value(&format!("{}/{op}", self.start.name), None, None)
    }

    /// Appends a node with one output.
    fn op(&mut self, op: &str, inputs: &[ValueId]) -> ValueId {
        let output = self.new_value(op);
        self.push(op, inputs, &[], vec![Some(output)]);
        output
    }

    fn push(
        &mut self,
        op: &str,
        inputs: &[ValueId],
        attributes: &[(&str, Attribute)],
        outputs: Vec<Option<ValueId>>,
    ) {
        let mut node = Node {
            op: op.into(),
            name: self.start.name.clone(),
            scopes: self.start.scopes.clone(),
            inputs: inputs.iter().copied().map(Some).collect(),
            outputs,
            ..Node::default()
        };
        attributes.iter().for_each(|(name, value)| node.set_attribute(name, value.clone()));
        self.graph.push_node(node);
    }
}

impl Graph {
    /// The content of a value, or of the value that it is a copy of, as an integer.
    fn integer(&self, mut value: ValueId) -> Option<i64> {
        while let Some(copy) = self.producer(value).filter(|n| n.op == "Identity")
            && self.content(value).is_none()
        {
            value = copy.input(0)?;
        }
        match self.content(value)?.to_i64s()?.as_slice() {
            [integer] => Some(*integer),
            _ => None,
        }
    }
}
