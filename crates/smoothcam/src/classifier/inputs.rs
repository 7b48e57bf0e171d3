//! Tells the input that takes the picture from the others, which are given values.

use onnx_grad::{DType, Dim, Graph, Tensor, ValueId};

use crate::error::unsupported;
use crate::model_config::InputShape;
use crate::{Error, Hint, Result};

/// The names of values, separated by commas.
pub(crate) fn names(graph: &Graph, values: &[ValueId]) -> String {
    values.iter().map(|v| graph.value(*v).name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The declared dimensions of an input, `None` standing for one that is open.
pub(crate) fn dims(graph: &Graph, input: ValueId) -> Vec<Option<u64>> {
    let fixed = |dim: &Dim| match dim {
        Dim::Fixed(size) => Some(*size as u64),
        Dim::Dynamic(_) => None,
    };
    graph.value(input).declared.iter().flatten().map(fixed).collect()
}

/// The input that takes the picture: the only one that has no value.
///
/// # Errors
/// If there is no such input, or several.
pub(crate) fn picture_input(graph: &Graph) -> Result<ValueId> {
    match graph.inputs() {
        [input] => Ok(*input),
        [] => Err(Error::input("the model has no input that takes a picture")),
        inputs => {
            let error = Error::input(format!(
                "the model has {} inputs ({}), expected one: the picture",
                inputs.len(),
                names(graph, inputs)
            ));
            let advice = "give each of the others a value";
            Err(match others(graph) {
                Some(others) => {
                    let values: Vec<String> = others
                        .iter()
                        .map(|o| format!("{}=FILE.npy", graph.value(*o).name))
                        .collect();
                    let set: Vec<_> = values.iter().map(|v| ("input", v.as_str())).collect();
                    error.with_hint(Hint::set_all(&set, advice))
                }
                None => error.with_hint(Hint::set("input", "NAME=FILE.npy", advice)),
            })
        }
    }
}

/// The inputs that take no picture, if exactly one input can take one.
fn others(graph: &Graph) -> Option<Vec<ValueId>> {
    let takes_picture = |id: &ValueId| {
        let dims = dims(graph, *id);
        !dims.is_empty() && InputShape::from_dims(&dims).is_ok()
    };
    let (pictures, others): (Vec<_>, Vec<_>) =
        graph.inputs().iter().copied().partition(takes_picture);
    (pictures.len() == 1).then_some(others)
}

/// Gives each input but the picture's an example of its content: zeros, and ones where it is of floats.
///
/// # Errors
/// If the shape of one of them is not known.
pub(crate) fn bind_examples(graph: &mut Graph) -> Result<()> {
    for input in others(graph).unwrap_or_default() {
        let mut dims = dims(graph, input);
        // The first axis is that of the batch.
        if let Some(first) = dims.first_mut() {
            first.get_or_insert(1);
        }
        let shape: Option<Vec<usize>> =
            dims.iter().map(|d| d.and_then(|d| usize::try_from(d).ok())).collect();
        let declared = graph.value(input).declared.is_some();
        let example = shape.filter(|_| declared).and_then(|shape| {
            let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
            example(graph.value(input).dtype.unwrap_or(DType::F32), shape, elements)
        });
        let Some(example) = example else {
            let name = &graph.value(input).name;
            return Err(Error::input(format!(
                "the shape of the model's input '{name}' is open, and there is no example of it"
            ))
            .with_hint(Hint::set("input", &format!("{name}=FILE.npy"), "give one")));
        };
        graph.bind_example(input, example);
    }
    Ok(())
}

/// The most elements of an example.
const MOST_ELEMENTS: usize = 1 << 24;

/// Ones of floats, or zeros of another type; `None` if they are too many.
fn example(dtype: DType, shape: Vec<usize>, elements: usize) -> Option<Tensor> {
    if elements > MOST_ELEMENTS {
        return None;
    }
    match dtype {
        DType::F32 => Tensor::from_f32s(&shape, &vec![1.0; elements]),
        other => Tensor::from_bytes(other, shape, vec![0; elements * other.size()].into()),
    }
}

/// Gives the input that takes the picture a batch axis if it has none: the value without it.
///
/// # Errors
/// If the graph has a cycle.
pub(crate) fn add_batch_axis(graph: &mut Graph, input: ValueId) -> Result<Option<ValueId>> {
    let dims = dims(graph, input);
    if dims.len() != 3 || InputShape::from_dims(&dims).is_err() {
        return Ok(None);
    }
    graph.add_batch_axis(input).map(Some).map_err(unsupported)
}
