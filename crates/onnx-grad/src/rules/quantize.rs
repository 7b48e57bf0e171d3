//! Differentiates quantisation by the straight-through estimator: as if nothing were rounded.

use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::graph::{Attribute, UNCLAMPED};
use crate::tape::Var;
use crate::tensor::DType;

/// y = clamp(round(x / scale) + zero_point), so dx = dy / scale, as if nothing were rounded, and 0
/// where y is clamped, unless the node is marked as [`UNCLAMPED`].
pub(super) fn quantize<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let (x, scale) = (n.x(0)?, per_axis(n, n.x(1)?)?);
    if n.int(UNCLAMPED, 0) != 0 {
        return Ok(n.dy()? / scale);
    }
    let mut unclamped = x / scale;
    if let Some(zero) = n.optional(2) {
        unclamped = unclamped + per_axis(n, zero.to_float())?;
    }
    let (low, high) = range(n)?;
    let inside = unclamped.gt(low - 0.5).compare("And", unclamped.lt(high + 0.5));
    Ok(inside.keep(n.dy()? / scale))
}

/// y = (x - zero_point) scale, so dx = dy scale.
pub(super) fn dequantize<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * per_axis(n, n.x(1)?)?)
}

/// The scale or zero point, which is one number or one for each index along an axis, reshaped so
/// that it broadcasts against the input.
fn per_axis<'g>(n: &NodeView<'g>, value: Var<'g>) -> Result<Var<'g>> {
    if n.int("block_size", 0) != 0 {
        return Err(n.unsupported("block_size other than 0 is not supported"));
    }
    let (shape, sizes) = (n.x(0)?.shape(), value.shape());
    if sizes.iter().product::<usize>() == 1 {
        return Ok(value.reshape(&[]));
    }
    let axis = n.axis(n.int("axis", 1), shape.len())?;
    if sizes != [shape[axis]] {
        return Err(n.unsupported(format!(
            "its scale or zero point has shape {sizes:?}, expected [{}]",
            shape[axis]
        )));
    }
    let along: Vec<usize> =
        (0..shape.len()).map(|i| if i == axis { shape[i] } else { 1 }).collect();
    Ok(value.reshape(&along))
}

/// The smallest and the largest number of the quantised type.
fn range(n: &NodeView<'_>) -> Result<(f32, f32)> {
    let zero = n.optional(2).and_then(|z| n.tape().read(|g| g.value(z.id()).dtype));
    let named = match n.node.attribute("output_dtype") {
        Some(Attribute::Int(to)) => i32::try_from(*to).ok().and_then(DType::from_onnx),
        _ => None,
    };
    match zero.or(named) {
        None if n.optional(2).is_none() => Ok((0.0, 255.0)),
        Some(DType::U8) => Ok((0.0, 255.0)),
        Some(DType::I8) => Ok((-128.0, 127.0)),
        Some(DType::I16) => Ok((-32768.0, 32767.0)),
        other => Err(n.unsupported(match other {
            Some(dtype) => format!("quantised numbers of type {dtype:?} are not supported"),
            None => "the type of its quantised numbers is not known".to_owned(),
        })),
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::tensor::Tensor;
    use crate::testing::case;
    let bytes = |data: &[u8]| {
        Tensor::from_bytes(DType::U8, vec![data.len()], data.to_vec().into()).unwrap()
    };
    let quantize = |scales: &[f32], zeros: &[u8]| {
        case("QuantizeLinear")
            .x(&[2, 3, 4])
            .const_floats(scales)
            .constant(bytes(zeros))
            .piecewise_constant()
    };
    let x = Tensor::from_bytes(DType::U8, vec![2, 2], vec![1, 2, 3, 200].into()).unwrap();
    vec![
        quantize(&[0.01, 0.02, 0.05], &[100, 90, 80]).int("axis", 1),
        case("DequantizeLinear").constant(x).scalar(0.5),
    ]
}

#[cfg(test)]
mod tests {
    use crate::graph::{Graph, Node};
    use crate::tape::Tape;
    use crate::tensor::{DType, Tensor};
    use crate::testing::{case, infer_shapes, run};

    #[test]
    fn quantising_and_dequantising_has_the_gradient_of_the_identity() {
        let mut graph = Graph::new();
        let x = graph.add_input("x", &[2, 2]);
        let scale = graph.add_initializer("scale", Tensor::from_f32s(&[2], &[0.5, 0.25]).unwrap());
        let zero = Tensor::from_bytes(DType::I8, vec![2], vec![3, 5].into()).unwrap();
        let zero = graph.add_initializer("zero", zero);
        let mut y = x;
        for op in ["QuantizeLinear", "DequantizeLinear"] {
            let argument = y;
            y = graph.add_value(op, None, None);
            graph.push_node(Node {
                op: op.into(),
                name: op.into(),
                inputs: [argument, scale, zero].map(Some).to_vec(),
                outputs: vec![Some(y)],
                attributes: vec![("axis".into(), crate::Attribute::Int(1))],
                ..Node::default()
            });
        }
        graph.set_outputs(&[y]);
        infer_shapes(&mut graph);
        let tape = Tape::new(graph);
        let dy = tape.constant(Tensor::from_f32s(&[2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap());
        let dx = crate::vjp(&tape, tape.var(y), dy, &[x]).remove(0).unwrap().unwrap().id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[dx]);
        // The last element is beyond the range of eight bits.
        let at = Tensor::from_f32s(&[2, 2], &[1.1, -1.3, 0.0, 50.0]).unwrap();
        assert_eq!(run(&graph, &[(x, &at)])[0].to_f32s().unwrap(), [1.0, 2.0, 3.0, 0.0]);
    }

    #[test]
    fn rounding_passes_the_gradient_and_clamping_does_not() {
        let zero = Tensor::from_bytes(DType::U8, vec![], vec![128].into()).unwrap();
        let quantize = case("QuantizeLinear").x(&[4]).scalar(0.5).constant(zero);
        // round(x / 0.5) + 128 is 132, 128, 255 and 1128.
        let dx = quantize.gradients(&[&[2.0, 0.1, 63.5, 500.0]]);
        assert_eq!(dx, [[2.0, 2.0, 2.0, 0.0]]);
    }
}
