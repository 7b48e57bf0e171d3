//! Inputs other than the picture are given values.

use std::borrow::Cow;

use onnx_grad::{Graph, Tensor, ValueId};

use crate::array::Array;
use crate::classifier::inputs::{bind_examples, dims, names};
use crate::{Error, Result};

/// Gives the inputs of a graph these values. If they stay open, the values are examples, and inputs
/// that are given none get one made up.
///
/// # Errors
/// If there is no such input, or a value is not of its type and shape.
pub(super) fn bind_all(
    graph: &mut Graph,
    values: &[(String, Array)],
    stay_open: bool,
) -> Result<()> {
    check_once(values)?;
    for (name, value) in values {
        let (input, tensor) = content(graph, name, value)?;
        if stay_open {
            graph.bind_example(input, tensor);
        } else {
            graph.bind_input(input, tensor);
        }
    }
    if stay_open { bind_examples(graph) } else { Ok(()) }
}

/// Checks that each input has one value.
///
/// # Errors
/// If one has two.
fn check_once(inputs: &[(String, Array)]) -> Result<()> {
    let mut given = inputs.iter().map(|(name, _)| name).enumerate();
    match given.find(|(i, name)| inputs.iter().take(*i).any(|(other, _)| other == *name)) {
        Some((_, name)) => Err(Error::input(format!("the input '{name}' is given twice"))),
        None => Ok(()),
    }
}

/// Gives an input of a graph its value.
///
/// # Errors
/// If there is no such input, or the value is not of its type and shape.
pub(crate) fn bind(graph: &mut Graph, name: &str, value: &Array) -> Result<()> {
    let (input, tensor) = content(graph, name, value)?;
    graph.bind_input(input, tensor);
    Ok(())
}

/// An input of a graph by name, and a value for it in the input's type and shape.
///
/// # Errors
/// If there is no such input, or the value is not of its type and shape.
fn content(graph: &Graph, name: &str, value: &Array) -> Result<(ValueId, Tensor)> {
    let input = graph.inputs().iter().copied().find(|i| graph.value(*i).name == name);
    let input = input.ok_or_else(|| {
        Error::input(format!("the model has no input '{name}'"))
            .with_hint(format!("its inputs are {}", names(graph, graph.inputs())))
    })?;
    let dims = dims(graph, input);
    let declared = graph.value(input).declared.is_some();
    let fitting = if declared { shaped(value, &dims) } else { Some(Cow::Borrowed(value)) };
    let value = fitting.ok_or_else(|| {
        let shown: Vec<String> =
            dims.iter().map(|d| d.map_or_else(|| "?".into(), |d| d.to_string())).collect();
        let (found, expected) = (value.shape(), shown.join(", "));
        Error::input(format!(
            "the value of input '{name}' has the shape {found:?}, expected [{expected}]"
        ))
    })?;
    let tensor = match graph.value(input).dtype {
        Some(dtype) => value.to_tensor_of(dtype),
        None => value.to_tensor(),
    };
    let tensor = tensor.ok_or_else(|| {
        Error::input(format!("the value of input '{name}' is of floats, expected integers"))
    })?;
    Ok((input, tensor))
}

/// A value in these dimensions, of which `None` is open; `None` if it does not fit. A value in another number of axes
/// is reshaped: an open dimension is as large as the value makes it, the first is 1 where several are open.
fn shaped<'a>(value: &'a Array, dims: &[Option<u64>]) -> Option<Cow<'a, Array>> {
    let shape = value.shape();
    if dims.len() == shape.len() {
        let alike = |(dim, size): (&Option<u64>, &usize)| dim.is_none_or(|dim| dim == *size as u64);
        return dims.iter().zip(shape).all(alike).then_some(Cow::Borrowed(value));
    }
    let mut to: Vec<Option<usize>> = dims.iter().map(|d| d.map(|d| d as usize)).collect();
    if to.iter().filter(|d| d.is_none()).count() > 1 {
        to.first_mut()?.get_or_insert(1);
    }
    let fixed: usize = to.iter().flatten().try_fold(1usize, |n, d| n.checked_mul(*d))?;
    let elements: usize = shape.iter().product();
    if let Some(open) = to.iter_mut().find(|d| d.is_none()) {
        *open = elements.checked_div(fixed);
    }
    value.reshaped(&to.into_iter().collect::<Option<Vec<_>>>()?).map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;

    #[test]
    fn values_take_the_shape_of_their_input() {
        for (dims, value, expected) in [
            (&[Some(1), Some(4)][..], &[4][..], Some(&[1, 4][..])),
            (&[Some(1), Some(4)], &[1, 4], Some(&[1, 4])),
            (&[None, Some(4)], &[4], Some(&[1, 4])),
            (&[None, None], &[3], Some(&[1, 3])),
            (&[None], &[1, 3], Some(&[3])),
            (&[], &[1], Some(&[])),
            (&[Some(1), Some(4)], &[3], None),
            (&[None, Some(4)], &[1, 5], None),
            (&[Some(4), Some(1)], &[1, 4], None),
        ] {
            let value = Array::Floats(ArrayD::zeros(value));
            let found = shaped(&value, dims).map(|v| v.shape().to_vec());
            assert_eq!(found.as_deref(), expected, "{dims:?}");
        }
    }
}
