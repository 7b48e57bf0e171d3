//! Differentiates operators that read elements at indices.

use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::DType;

/// If no element is read more often than this, a gather is undone by gathers, else by a scatter.
const MOST_READS: usize = 4;

/// y = x at `indices` along an axis, so dx_j = the sum of dy_i over all i whose index is j.
pub(super) fn gather<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let (shape, indices) = (n.x(0)?.shape(), n.x(1)?);
    let axis = n.axis(n.int("axis", 0), shape.len())?;
    let mut flat = shape.clone();
    flat[axis] = indices.shape().iter().product();
    let dy = n.dy()?.reshape(&flat);
    match n.const_ints(1) {
        Ok(Some(indices)) => {
            let size = shape[axis];
            let sources = indices
                .iter()
                .map(|i| resolve(n, *i, size).map(Some))
                .collect::<Result<Vec<_>>>()?;
            Ok(collect(dy, axis, &sources, size))
        }
        _ => Ok(scatter(dy, axis, indices, &shape)),
    }
}

/// Resolves an index. A negative one counts from the end.
fn resolve(n: &NodeView<'_>, index: i64, size: usize) -> Result<usize> {
    let resolved = if index < 0 { index.checked_add(size as i64) } else { Some(index) };
    resolved
        .and_then(|i| usize::try_from(i).ok())
        .filter(|i| *i < size)
        .ok_or_else(|| n.unsupported(format!("index {index} is out of range for {size} elements")))
}

/// The gradient of reading at constant indices: y = x at `sources` along `axis`, so dx_j = the sum
/// of dy_i over all i whose source is j. A source of `None` means that y_i does not come from x.
///
/// The gradient reads, too: if the sources ascend without gaps, it is a part of dy between zeros;
/// otherwise each element of dx gathers from the positions where it was read to.
pub(super) fn collect<'g>(
    dy: Var<'g>,
    axis: usize,
    sources: &[Option<usize>],
    size: usize,
) -> Var<'g> {
    let mut shape = dy.shape();
    if let Some(dim) = shape.get_mut(axis) {
        *dim = size;
    }
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); size];
    for (i, source) in sources.iter().enumerate() {
        if let Some(readers) = source.and_then(|s| readers.get_mut(s)) {
            readers.push(i);
        }
    }
    let most = readers.iter().map(Vec::len).max().unwrap_or(0);
    if most == 0 {
        return dy.tape.zeros(&shape);
    }
    if let Some((first, start, count)) = consecutive(sources) {
        let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
        (before[axis], after[axis]) = (start, size - start - count);
        return dy.slice(axis, first, count, 1).pad(&before, &after, 0.0);
    }
    // A zero is appended for elements that were read less often than others, or never.
    let mut zero = vec![0; shape.len()];
    zero[axis] = usize::from(readers.iter().any(|r| r.len() < most));
    let padded = dy.pad(&vec![0; shape.len()], &zero, 0.0);
    let reader = |k: usize| {
        let from: Vec<usize> =
            readers.iter().map(|r| r.get(k).copied().unwrap_or(sources.len())).collect();
        padded.gather(axis, &from)
    };
    if most <= MOST_READS {
        return (1..most).map(reader).fold(reader(0), |a, b| a + b);
    }
    let from_x: Vec<usize> = (0..sources.len()).filter(|i| sources[*i].is_some()).collect();
    let indices: Vec<i64> = sources.iter().flatten().map(|s| *s as i64).collect();
    let dy = if from_x.len() < sources.len() { dy.gather(axis, &from_x) } else { dy };
    scatter(dy, axis, dy.tape.ints(&indices), &shape)
}

/// If the sources are consecutive: where they begin in y and in x, and how many there are.
fn consecutive(sources: &[Option<usize>]) -> Option<(usize, usize, usize)> {
    let first = sources.iter().position(Option::is_some)?;
    let start = sources[first]?;
    let count = sources.iter().flatten().count();
    let ascending = (0..count).all(|i| sources.get(first + i) == Some(&Some(start + i)));
    ascending.then_some((first, start, count))
}

/// Zeros of this shape, to which each dy_i is added at `indices`_i along `axis`.
fn scatter<'g>(dy: Var<'g>, axis: usize, indices: Var<'g>, shape: &[usize]) -> Var<'g> {
    let tape = dy.tape;
    let mut along = vec![1; shape.len()];
    along[axis] = dy.shape()[axis];
    let to = |op, x, shape: &[usize]| {
        let dims: Vec<i64> = shape.iter().map(|d| *d as i64).collect();
        tape.op(op, &[Some(x), Some(tape.ints(&dims))], &[], DType::I64, shape.to_vec())
    };
    let indices = to("Expand", to("Reshape", indices, &along), &dy.shape());
    add_at(axis, tape.zeros(shape), indices, dy)
}

/// `data` with `updates` added at `indices` along `axis`.
fn add_at<'g>(axis: usize, data: Var<'g>, indices: Var<'g>, updates: Var<'g>) -> Var<'g> {
    let attributes =
        [("axis", Attribute::Int(axis as i64)), ("reduction", Attribute::String("add".into()))];
    let inputs = [Some(data), Some(indices), Some(updates)];
    data.tape.op("ScatterElements", &inputs, &attributes, DType::F32, data.shape())
}

/// y_ij = x at index_ij of row i, so dx is the sum of dy at these indices.
pub(super) fn gather_elements<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let (shape, indices, dy) = (n.x(0)?.shape(), n.x(1)?, n.dy()?);
    let axis = n.axis(n.int("axis", 0), shape.len())?;
    // Along other axes the indices may end before x does.
    let mut covered = dy.shape();
    if covered.len() != shape.len() {
        return Err(n.unsupported("its indices do not have as many axes as its data"));
    }
    covered[axis] = shape[axis];
    let missing: Option<Vec<usize>> =
        shape.iter().zip(&covered).map(|(x, c)| x.checked_sub(*c)).collect();
    let missing = missing
        .ok_or_else(|| n.unsupported("its indices are larger than its data along another axis"))?;
    let dx = add_at(axis, n.tape().zeros(&covered), indices, dy);
    Ok(dx.pad(&vec![0; shape.len()], &missing, 0.0))
}

/// y = the slices of x at the rows of `indices`, so dx is the sum of dy at these slices.
pub(super) fn gather_nd<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    if n.int("batch_dims", 0) != 0 {
        return Err(n.unsupported("batch_dims other than 0 are not supported"));
    }
    let shape = n.x(0)?.shape();
    let inputs = [Some(n.tape().zeros(&shape)), Some(n.x(1)?), Some(n.dy()?)];
    let add = ("reduction", Attribute::String("add".into()));
    Ok(n.tape().op("ScatterND", &inputs, &[add], DType::F32, shape))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::tensor::Tensor;
    use crate::testing::{Case, case};
    let ints = |shape: &[usize], data: &[i64]| {
        let bytes: Vec<u8> = data.iter().flat_map(|i| i.to_le_bytes()).collect();
        Tensor::from_bytes(DType::I64, shape.to_vec(), bytes.into()).unwrap()
    };
    let gather = |axis: i64, shape: &[usize], data: &[i64]| {
        case("Gather").x(&[3, 4, 2]).constant(ints(shape, data)).int("axis", axis)
    };
    let elements =
        |axis, indices| case("GatherElements").x(&[3, 4]).constant(indices).int("axis", axis);
    let cases = vec![
        gather(0, &[], &[2]),
        gather(1, &[], &[-1]),
        gather(1, &[2], &[1, 2]),
        gather(-2, &[4], &[3, 1, 0, 2]),
        gather(1, &[2], &[3, 0]),
        gather(1, &[2, 3], &[0, 1, 2, 2, -1, 0]),
        gather(0, &[6], &[1, 1, 1, 1, 1, 1]),
        elements(1, ints(&[3, 2], &[0, 1, 2, 2, -1, 0])),
        elements(-2, ints(&[2, 4], &[0, 1, 2, 2, 1, 0, 0, -1])),
        elements(1, ints(&[2, 3], &[0, 1, 2, 2, 3, 0])),
        case("GatherND").x(&[3, 4, 2]).constant(ints(&[3, 2], &[0, 1, 2, 3, 0, 1])),
        case("GatherND").x(&[3, 4]).constant(ints(&[2, 2, 1], &[0, 1, 2, 0])),
    ];
    cases.into_iter().map(Case::linear).collect()
}

#[cfg(test)]
mod tests {
    use crate::graph::{Attribute, Node};
    use crate::tape::Tape;
    use crate::tensor::{DType, Tensor};
    use crate::testing::{infer_shapes, run};
    use crate::{Graph, ValueId};

    /// y = x at the computed index of its largest element, which is the same in both rows.
    #[test]
    fn gradients_add_up_at_computed_indices() {
        let mut graph = Graph::new();
        let x = graph.add_input("x", &[2, 3]);
        let mut push = |op: &str, inputs: &[ValueId], axis: i64| {
            let y = graph.add_value(op, None, None);
            graph.push_node(Node {
                op: op.into(),
                name: op.into(),
                inputs: inputs.iter().map(|v| Some(*v)).collect(),
                outputs: vec![Some(y)],
                attributes: vec![("axis".into(), Attribute::Int(axis))],
                ..Node::default()
            });
            y
        };
        let indices = push("ArgMax", &[x], 1);
        let y = push("Gather", &[x, indices], 1);
        graph.set_outputs(&[y]);
        infer_shapes(&mut graph);
        let tape = Tape::new(graph);
        let dy = Tensor::from_f32s(&[2, 2, 1], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let dx = crate::vjp(&tape, tape.var(y), tape.constant(dy), &[x]).remove(0);
        let dx = dx.unwrap().unwrap().id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[dx]);
        let at = Tensor::from_f32s(&[2, 3], &[0.0, 9.0, 1.0, 0.0, 9.0, 1.0]).unwrap();
        let dx = run(&graph, &[(x, &at)]).remove(0);
        assert_eq!(dx.dtype(), DType::F32);
        assert_eq!(dx.to_f32s().unwrap(), [0.0, 3.0, 0.0, 0.0, 7.0, 0.0]);
    }
}
