//! Tests that what is foreseen is what a run finds, and what is too large is refused.

use super::Forecast;
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::testing::infer_shapes;
use crate::{DType, Tensor, rules};

#[test]
fn what_is_foreseen_is_what_a_run_finds() {
    let mut foreseen = std::collections::BTreeSet::new();
    for case in rules::tests::cases() {
        let (mut graph, _, outputs) = case.graph();
        let forecast = Forecast::of(&graph).shapes;
        infer_shapes(&mut graph);
        for output in outputs {
            if let Some(shape) = &forecast[output.0] {
                assert_eq!(Some(shape.as_slice()), graph.shape(output), "{}", case.op);
                foreseen.insert(case.op);
            }
        }
    }
    for op in ["Conv", "ConvTranspose", "Expand", "MaxPool", "Pad", "ReduceSum", "Resize", "Slice"]
    {
        assert!(foreseen.contains(op), "{op}");
    }
}

/// A graph of an input of this shape.
struct Model {
    graph: Graph,
    last: ValueId,
}

impl Model {
    fn of(shape: &[usize]) -> Self {
        let mut graph = Graph::new();
        let last = graph.add_input("x", shape);
        Self { graph, last }
    }

    /// Appends a node that reads what the last one computes, and these integers.
    fn then(mut self, op: &str, ints: &[&[i64]], attributes: &[(&str, i64)]) -> Self {
        let constants = ints
            .iter()
            .map(|ints| Some(self.graph.add_initializer("ints", Tensor::from_i64s(ints))));
        let inputs = std::iter::once(Some(self.last)).chain(constants).collect();
        self.push(op, inputs, attributes);
        self
    }

    fn push(&mut self, op: &str, inputs: Vec<Option<ValueId>>, attributes: &[(&str, i64)]) {
        self.last = self.graph.add_value(op, None, None);
        let outputs = vec![Some(self.last)];
        let mut node = Node { op: op.into(), name: op.into(), inputs, outputs, ..Node::default() };
        attributes.iter().for_each(|(name, i)| node.set_attribute(name, Attribute::Int(*i)));
        self.graph.push_node(node);
        self.graph.set_outputs(&[self.last]);
    }

    /// The same value twice, side by side.
    fn doubled(mut self) -> Self {
        self.push("Concat", vec![Some(self.last); 2], &[("axis", 0)]);
        self
    }

    fn error(&self) -> String {
        self.graph.check_memory(1_000_000_000).err().map(|e| e.to_string()).unwrap_or_default()
    }
}

#[test]
fn what_would_take_too_much_memory_is_an_error() {
    const MANY: i64 = 100_000;
    let x = || Model::of(&[10, 10]);
    let large = [
        x().then("Pad", &[&[0, 0, MANY, MANY]], &[]),
        x().then("Tile", &[&[MANY, MANY]], &[]),
        x().then("Expand", &[&[MANY, MANY, 10, 10]], &[]),
        x().then("Shape", &[], &[]).then("Tile", &[&[3]], &[]).then("ConstantOfShape", &[], &[]),
        (0..30).fold(x(), |model, _| model.doubled()),
        x().then("CenterCropPad", &[&[MANY, MANY]], &[]),
        x().then("TopK", &[&[i64::MAX]], &[]),
        Model::of(&[1, 2, 3]).then("AffineGrid", &[&[1, 1, MANY, MANY]], &[]),
        Model::of(&[1, 4, 9]).then("Col2Im", &[&[MANY, MANY], &[2, 2]], &[]),
    ];
    let ops = ["Pad", "Tile", "Expand", "ConstantOfShape", "Concat", "CenterCropPad", "TopK"];
    for (model, op) in large.iter().zip(ops.into_iter().chain(["AffineGrid", "Col2Im"])) {
        let error = model.error();
        assert_eq!(error.contains(&format!("operator {op}")), op != "ConstantOfShape", "{error}");
    }
    for side in [100_000, 1 << 40] {
        let error = Model::of(&[side, side]).then("Shape", &[], &[]).error();
        assert!(error.contains("the input 'x'"), "{error}");
    }
    let small = x().then("Tile", &[&[100, 100]], &[]).then("Reshape", &[&[10, -1]], &[]);
    assert_eq!(small.error(), "");
    // Values are freed when nothing reads them any more.
    let mut chain = Model::of(&[1000, 1000]);
    for _ in 0..1000 {
        chain = chain.then("Relu", &[], &[]);
    }
    assert_eq!(chain.error(), "");
}

#[test]
fn sizes_that_are_computed_are_foreseen() {
    // A range of x's size cubed.
    let mut model = Model::of(&[3000]).then("Size", &[], &[]);
    let size = model.last;
    model.push("Mul", vec![Some(size), Some(size)], &[]);
    model.push("Mul", vec![Some(model.last), Some(size)], &[]);
    let end = model.last;
    let scalar = |graph: &mut Graph, i: i64| {
        let bytes = i.to_le_bytes().to_vec().into();
        graph.add_initializer("i", Tensor::from_bytes(DType::I64, vec![], bytes).unwrap())
    };
    let (start, step) = (scalar(&mut model.graph, 0), scalar(&mut model.graph, 1));
    model.push("Range", vec![Some(start), Some(end), Some(step)], &[]);
    assert!(model.error().contains("[27000000000]"), "{}", model.error());
}
