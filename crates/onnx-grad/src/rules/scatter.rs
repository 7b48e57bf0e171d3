//! Differentiates operators that write elements at indices.

use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::DType;

/// y = x with the elements at `indices` replaced by the updates u, or combined with them: see
/// [`Scatter`].
pub(super) fn scatter_elements<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let along = vec![("axis", Attribute::Int(n.int("axis", 0)))];
    scattered(n, i, &Scatter { n, write: "ScatterElements", read: "GatherElements", along })
}

/// The same as [`scatter_elements`], but rows of `indices` point to slices of x.
pub(super) fn scatter_nd<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    scattered(n, i, &Scatter { n, write: "ScatterND", read: "GatherND", along: vec![] })
}

/// Refuses indices that end before the data do along other axes: engines differ in the elements
/// that they write to.
pub(super) fn partial_scatter<'g>(n: &NodeView<'g>) -> Result<Option<Var<'g>>> {
    let (data, indices) = (n.x(0)?.shape(), n.x(1)?.shape());
    let axis = n.axis(n.int("axis", 0), data.len())?;
    let covers = |i: usize| i == axis || indices.get(i) == data.get(i);
    if data.len() > 2 && !(0..data.len()).all(covers) {
        return Err(n.unsupported(format!(
            "indices of shape {indices:?} do not cover data of shape {data:?}"
        )));
    }
    Ok(None)
}

/// The indices of a node, at which others may be read and written.
struct Scatter<'a, 'g> {
    n: &'a Vjp<'g>,
    write: &'static str,
    read: &'static str,
    along: Vec<(&'static str, Attribute)>,
}

impl<'g> Scatter<'_, 'g> {
    /// The elements of x at the indices.
    fn read(&self, x: Var<'g>) -> Result<Var<'g>> {
        let inputs = [Some(x), Some(self.n.x(1)?)];
        let shape = self.n.x(2)?.shape();
        Ok(x.tape().op(self.read, &inputs, &self.along, DType::F32, shape))
    }

    /// x with `updates` at the indices, by this reduction.
    fn write(&self, x: Var<'g>, updates: Var<'g>, reduction: &str) -> Result<Var<'g>> {
        let inputs = [Some(x), Some(self.n.x(1)?), Some(updates)];
        let mut attributes = self.along.clone();
        if reduction != "none" {
            attributes.push(("reduction", Attribute::String(reduction.to_owned())));
        }
        Ok(x.tape().op(self.write, &inputs, &attributes, DType::F32, x.shape()))
    }
}

/// With dy at the indices read as dy(u):
/// - none: du = dy(u), and dx = dy, with zeros at the indices. (ONNX does not define what replacing
///   an element twice does.)
/// - add: du = dy(u), dx = dy.
/// - mul: each gets dy times the product of the others.
/// - max, min: dy goes to those that y equals, in equal shares, as in PyTorch.
fn scattered<'g>(n: &Vjp<'g>, i: usize, at: &Scatter<'_, 'g>) -> Result<Var<'g>> {
    let (x, u, y, dy) = (n.x(0)?, n.x(2)?, n.y()?, n.dy()?);
    let filled = |value: f32, like: Var<'g>| n.tape().scalar(value).expand(&like.shape());
    match (n.string("reduction", "none"), i) {
        ("none", 0) => at.write(dy, filled(0.0, u), "none"),
        ("add", 0) => Ok(dy),
        ("none" | "add", _) => at.read(dy),
        ("mul", 0) => Ok(dy * at.write(filled(1.0, x), u, "mul")?),
        ("mul", _) => {
            let is_zero = u.equals(n.tape().scalar(0.0));
            let nonzero = is_zero.select(n.tape().scalar(1.0), u);
            let product = at.read(dy * at.write(x, nonzero, "mul")?)? / nonzero;
            let zeros = is_zero.to_float();
            let among_others = at.read(at.write(filled(0.0, x), zeros, "add")?)? - zeros;
            Ok(among_others.lt(0.5).keep(product))
        }
        ("max" | "min", _) => {
            let (x_wins, u_wins) = (x.equals(y).to_float(), u.equals(at.read(y)?).to_float());
            let share = dy / at.write(x_wins, u_wins, "add")?;
            if i == 0 { Ok(x_wins * share) } else { Ok(u_wins * at.read(share)?) }
        }
        (other, _) => Err(n.unsupported(format!("reduction '{other}' is not supported"))),
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::tensor::Tensor;
    use crate::testing::{Case, case};
    let ints = |shape: &[usize], data: &[i64]| {
        let bytes: Vec<u8> = data.iter().flat_map(|i| i.to_le_bytes()).collect();
        Tensor::from_bytes(DType::I64, shape.to_vec(), bytes.into()).unwrap()
    };
    let elements = |reduction| {
        let twice = ints(&[2, 2], &[0, 0, 0, 1]);
        case("ScatterElements").x(&[3, 2]).constant(twice).x(&[2, 2]).string("reduction", reduction)
    };
    let slices = |reduction| {
        let twice = ints(&[2, 1], &[1, 1]);
        case("ScatterND").x(&[2, 3]).constant(twice).x(&[2, 3]).string("reduction", reduction)
    };
    let linear = vec![
        case("ScatterElements")
            .x(&[3, 4])
            .constant(ints(&[3, 2], &[0, 1, 2, 3, 1, 0]))
            .x(&[3, 2])
            .int("axis", 1),
        case("ScatterElements")
            .x(&[3, 2])
            .constant(ints(&[2, 2], &[0, 0, 0, 1]))
            .x(&[2, 2])
            .string("reduction", "add"),
        case("ScatterND").x(&[3, 4]).constant(ints(&[2, 1], &[0, 2])).x(&[2, 4]),
        case("ScatterND")
            .x(&[3, 4])
            .constant(ints(&[2, 2], &[0, 1, 0, 1]))
            .x(&[2])
            .string("reduction", "add"),
    ];
    let others = ["mul", "max", "min"].into_iter().flat_map(|r| [elements(r), slices(r)]);
    linear.into_iter().map(Case::linear).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use crate::tensor::Tensor;
    use crate::testing::case;

    /// The derivatives of the sum of y = (x0, x1 combined with u0 and u1).
    fn derivatives(reduction: &str, x: [f32; 2], u: [f32; 2]) -> Vec<Vec<f32>> {
        let indices = [1i64, 1].into_iter().flat_map(i64::to_le_bytes).collect::<Vec<u8>>();
        let indices = Tensor::from_bytes(crate::DType::I64, vec![2, 1], indices.into()).unwrap();
        let scatter = case("ScatterND").x(&[2]).constant(indices).x(&[2]);
        scatter.string("reduction", reduction).gradients(&[&x, &u])
    }

    #[test]
    fn equal_elements_share_and_zeros_are_differentiated() {
        assert_eq!(derivatives("max", [9.0, 3.0], [3.0, 1.0]), [[1.0, 0.5], [0.5, 0.0]]);
        assert_eq!(derivatives("mul", [9.0, 2.0], [0.0, 5.0]), [[1.0, 0.0], [10.0, 0.0]]);
        assert_eq!(derivatives("mul", [9.0, 0.0], [3.0, 5.0]), [[1.0, 15.0], [0.0, 0.0]]);
    }
}
