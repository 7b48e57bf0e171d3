//! The operators around a value show in which of its axes its feature maps and its grid are.

use onnx_grad::{Attribute, Graph, Node, ValueId};

/// What is known of the order of a value's axes.
#[derive(Clone, Copy, Default)]
pub(super) struct Order {
    /// Whether an operator takes the second axis for that of the feature maps and the next two for a grid.
    pub(super) first: bool,
    /// Whether an operator takes the last axis for that of the feature maps.
    pub(super) last: bool,
}

/// What is known of the order of each value's axes.
pub(super) fn orders(graph: &Graph) -> Vec<Order> {
    let mut orders = vec![Order::default(); graph.values().len()];
    for (_, node) in graph.nodes() {
        let (Some(Some(x)), Some(Some(y))) = (node.inputs.first(), node.outputs.first()) else {
            continue;
        };
        let (x, y) = (*x, *y);
        let means = over_means(graph, node);
        let (first, last) = (over_grid(&node.op), over_features(graph, node));
        orders[x.index()].first |= first || means.first;
        orders[x.index()].last |= last || means.last;
        orders[y.index()].first |= first;
        orders[y.index()].last |= last;
        if keeps_features(graph, node, x, y) {
            orders[y.index()].last |= orders[x.index()].last;
        }
        let Order { first, last } = orders[x.index()];
        match perm(node) {
            Some([0, 2, 3, 1]) => orders[y.index()].last |= first,
            Some([0, 3, 1, 2]) => orders[y.index()].first |= last,
            _ => {}
        }
        if !moves_axes(&node.op) {
            // An operator on elements keeps the order of all inputs that have the result's shape.
            let same = |v: &ValueId| *v == x || graph.shape(*v) == graph.shape(y);
            for input in node.inputs.iter().flatten().filter(|v| same(v)) {
                let order = orders[input.index()];
                orders[y.index()].first |= order.first;
                orders[y.index()].last |= order.last;
            }
        }
    }
    orders
}

/// How a node permutes four axes; `None` if it does not.
fn perm(node: &Node) -> Option<[i64; 4]> {
    match node.attribute("perm") {
        Some(Attribute::Ints(perm)) if node.op == "Transpose" => perm.as_slice().try_into().ok(),
        _ => None,
    }
}

/// Whether an operator's first input and output have the feature maps in their second axis, and a grid after it.
fn over_grid(op: &str) -> bool {
    const OVER_GRID: &[&str] = &[
        "AveragePool",
        "BatchNormalization",
        "Conv",
        "ConvTranspose",
        "DepthToSpace",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "GroupNormalization",
        "InstanceNormalization",
        "LRN",
        "MaxPool",
        "Resize",
        "SpaceToDepth",
    ];
    OVER_GRID.contains(&op)
}

/// Whether a node takes the last axis of its input for that of the feature maps: it normalises over it, or multiplies it
/// by a matrix of weights.
pub(super) fn over_features(graph: &Graph, node: &Node) -> bool {
    let weights = node.input(1).and_then(|w| graph.shape(w));
    match node.op.as_str() {
        "LayerNormalization" | "RMSNormalization" | "SkipLayerNormalization" => true,
        "MatMul" => weights.is_some_and(|w| w.len() == 2),
        _ => false,
    }
}

/// What a mean takes the axes of its input for. A mean over the last axis that keeps this axis is a part of a layer
/// normalisation; one over two axes, or over the tokens, pools the grid.
pub(super) fn over_means(graph: &Graph, node: &Node) -> Order {
    let input = |i: usize| node.input(i);
    let rank = input(0).and_then(|x| graph.shape(x)).map_or(0, <[usize]>::len) as i64;
    let axes = input(1).and_then(|a| graph.content(a)).and_then(|a| a.to_i64s());
    let mut axes: Vec<i64> =
        axes.unwrap_or_default().iter().map(|a| if *a < 0 { a + rank } else { *a }).collect();
    axes.sort_unstable();
    let mean = node.op == "ReduceMean";
    let keeps_axis = !matches!(node.attribute("keepdims"), Some(Attribute::Int(0)));
    Order {
        first: mean && rank == 4 && axes == [2, 3],
        last: mean
            && match axes[..] {
                [1, 2] => rank == 4,
                [1] => rank == 3,
                [axis] => axis == rank - 1 && keeps_axis,
                _ => false,
            },
    }
}

/// Whether a node only turns tokens into rows and columns, or these into tokens.
fn keeps_features(graph: &Graph, node: &Node, x: ValueId, y: ValueId) -> bool {
    let last = |v| graph.shape(v).and_then(<[usize]>::last);
    node.op == "Reshape" && last(x) == last(y)
}

/// Whether an operator may put other axes in the place of the grid's.
fn moves_axes(op: &str) -> bool {
    const MOVES_AXES: &[&str] = &[
        "Einsum",
        "Flatten",
        "Gather",
        "Gemm",
        "MatMul",
        "Reshape",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
    ];
    MOVES_AXES.contains(&op)
}
