//! Differentiates maxima over windows and over whole maps.

use super::view::{NodeView, Vjp};
use super::window::{Window, is_dilated, kernel_shape, windows};
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::{DType, Tensor};

/// The most elements of a window: the gradient has nodes for each of them.
const LARGEST_WINDOW: usize = 1024;
/// The most elements of all windows together, and of the padded map.
const MOST_ELEMENTS: usize = 1 << 24;

/// y = the maximum of a map, so dx = dy at the first element that equals it, as in PyTorch.
pub(super) fn global_max_pool<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let (x, y, dy) = (n.x(0)?, n.y()?, n.dy()?);
    let shape = x.shape();
    if shape.len() < 2 || shape.contains(&0) {
        return Err(n.unsupported(format!("inputs of shape {shape:?} are not supported")));
    }
    let (flat, one) = (flattened(&shape), flattened(&y.shape()));
    let numbers: Vec<i64> = (0..flat[2] as i64).rev().collect();
    let maxima = numbers_of_maxima(x.reshape(&flat), y.reshape(&one), n.tape().ints(&numbers));
    let axes = n.tape().ints(&[2]);
    let keep = [("keepdims", Attribute::Int(1))];
    let first =
        n.tape().op("ReduceMax", &[Some(maxima), Some(axes)], &keep, DType::I64, one.to_vec());
    Ok(scatter(dy.reshape(&one), first, &flat, false).reshape(&shape))
}

/// y = the maximum of a window, so an element's dx = the sum of dy over the windows in which it is
/// the first element that equals the maximum, as in PyTorch.
pub(super) fn max_pool<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    if n.int("storage_order", 0) != 0 || n.dy_at(1).is_some() {
        return Err(n.unsupported("storage_order 1 and a gradient of Indices are not supported"));
    }
    let (x, y, dy) = (n.x(0)?, n.y()?, n.dy()?);
    let windows = bounded_windows(n)?;
    let padded = pad_to_reach(x, &windows);
    let maxima = taps(&windows).map(|tap| {
        let numbers = numbers_under_tap(n, &windows, &tap)?;
        Ok(numbers_of_maxima(elements_under_tap(padded, &windows, &tap), y, numbers))
    });
    let max = |a: Var<'g>, b: Var<'g>| {
        n.tape().op("Max", &[Some(a), Some(b)], &[], DType::I64, y.shape())
    };
    let first = maxima
        .reduce(|a, b| Ok(max(a?, b?)))
        .unwrap_or_else(|| Err(n.unsupported("its window is empty")))?;

    let shape = x.shape();
    let (flat, steps) = (flattened(&shape), flattened(&y.shape()));
    let overlapping = windows.iter().any(|w| w.stride < w.extent());
    let dx = scatter(dy.reshape(&steps), first.reshape(&steps), &flat, overlapping);
    Ok(dx.reshape(&shape))
}

/// y = the maximum over the taps of a window, if that is dilated, which few engines compute.
pub(super) fn dilated_max_pool<'g>(n: &NodeView<'g>) -> Result<Option<Var<'g>>> {
    if !is_dilated(n) {
        return Ok(None);
    }
    if n.y_at(1).is_some() {
        return Err(n.unsupported("dilations with an output of Indices are not supported"));
    }
    let windows = bounded_windows(n)?;
    let padded = pad_to_reach(n.x(0)?, &windows);
    let elements = taps(&windows).map(|tap| elements_under_tap(padded, &windows, &tap));
    Ok(elements.reduce(|a, b| a.binary("Max", b)))
}

/// The windows of a node, if they are not too large.
fn bounded_windows(n: &NodeView<'_>) -> Result<Vec<Window>> {
    let windows = windows(n, &kernel_shape(n)?)?;
    let product = |of: fn(&Window) -> usize| {
        let product = windows.iter().try_fold(1usize, |product, w| product.checked_mul(of(w)));
        product.unwrap_or(usize::MAX)
    };
    let taps = product(|w| w.kernel);
    let elements =
        product(|w| w.kernel * w.output).max(product(|w| w.reach().max(w.begin + w.input)));
    if taps > LARGEST_WINDOW || elements > MOST_ELEMENTS {
        return Err(n.unsupported(format!("its windows, of {taps} elements each, are too large")));
    }
    Ok(windows)
}

/// All taps of the windows, in row-major order: an index for each axis.
fn taps(windows: &[Window]) -> impl Iterator<Item = Vec<usize>> {
    let count = windows.iter().map(|w| w.kernel).product();
    (0..count).map(|number| multi_index(number, windows.iter().map(|w| w.kernel)))
}

/// The numbers of the elements that equal the maximum, and zero for the others.
///
/// The elements of a map are numbered from its end, so that the first of several maxima has the
/// largest number. Zero, which is left if no element equals the maximum (NaN), is an element, too.
/// (`ArgMax` would be the obvious operator, but engines differ in which of several maxima it
/// takes.)
fn numbers_of_maxima<'g>(x: Var<'g>, maximum: Var<'g>, numbers: Var<'g>) -> Var<'g> {
    let tape = x.tape();
    let is_maximum = x.compare("Equal", maximum);
    let to = [("to", Attribute::Int(DType::I64 as i64))];
    let is_maximum = tape.op("Cast", &[Some(is_maximum)], &to, DType::I64, x.shape());
    tape.op("Mul", &[Some(is_maximum), Some(numbers)], &[], DType::I64, x.shape())
}

/// Zeros of the shape (N, C, map), with dy written or added to the elements with these numbers.
fn scatter<'g>(dy: Var<'g>, numbers: Var<'g>, shape: &[usize; 3], add: bool) -> Var<'g> {
    let tape = dy.tape();
    let last = tape.ints(&[shape[2] as i64 - 1]);
    let indices = tape.op("Sub", &[Some(last), Some(numbers)], &[], DType::I64, numbers.shape());
    let mut attributes = vec![("axis", Attribute::Int(2))];
    if add {
        attributes.push(("reduction", Attribute::String("add".into())));
    }
    let inputs = [Some(tape.zeros(shape)), Some(indices), Some(dy)];
    tape.op("ScatterElements", &inputs, &attributes, DType::F32, shape.to_vec())
}

/// The shape (N, C, ...) as (N, C, map).
fn flattened(shape: &[usize]) -> [usize; 3] {
    let size = |i: usize| shape.get(i).copied().unwrap_or(1);
    [size(0), size(1), shape.iter().skip(2).product()]
}

/// x with as much padding as the windows reach over, of the lowest float.
fn pad_to_reach<'g>(x: Var<'g>, windows: &[Window]) -> Var<'g> {
    let begin: Vec<usize> = [0, 0].into_iter().chain(windows.iter().map(|w| w.begin)).collect();
    let end = windows.iter().map(|w| w.reach().saturating_sub(w.begin + w.input));
    x.pad(&begin, &[0, 0].into_iter().chain(end).collect::<Vec<_>>(), f32::MIN)
}

/// The elements of padded x under one tap of the windows, in the shape of y.
fn elements_under_tap<'g>(padded: Var<'g>, windows: &[Window], tap: &[usize]) -> Var<'g> {
    let ints = |f: &dyn Fn(&Window, usize) -> usize| {
        let values: Vec<i64> = windows.iter().zip(tap).map(|(w, t)| f(w, *t) as i64).collect();
        Some(padded.tape.ints(&values))
    };
    let axes: Vec<i64> = (2..).take(windows.len()).collect();
    let inputs = [
        Some(padded),
        ints(&|w, t| w.padded(0, t)),
        ints(&|w, t| w.padded(w.output - 1, t) + 1),
        Some(padded.tape.ints(&axes)),
        ints(&|w, _| w.stride),
    ];
    let mut shape = padded.shape();
    shape.iter_mut().skip(2).zip(windows).for_each(|(size, w)| *size = w.output);
    padded.tape.op("Slice", &inputs, &[], DType::F32, shape)
}

/// For each step of the windows, the number of the element of the map that lies under a tap, from
/// the map's end. In padding, it may be any.
fn numbers_under_tap<'g>(n: &NodeView<'g>, windows: &[Window], tap: &[usize]) -> Result<Var<'g>> {
    let steps: Vec<usize> = windows.iter().map(|w| w.output).collect();
    let number = |step: usize| {
        let step = multi_index(step, steps.iter().copied());
        windows.iter().zip(step.iter().zip(tap)).fold(0, |number, (w, (step, tap))| {
            let i = w.padded(*step, *tap).saturating_sub(w.begin).min(w.input - 1);
            number * w.input as i64 + (w.input - 1 - i) as i64
        })
    };
    let numbers: Vec<i64> = (0..steps.iter().product()).map(number).collect();
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    Tensor::from_bytes(DType::I64, steps, bytes.into())
        .map(|t| n.tape().constant(t))
        .ok_or_else(|| n.unsupported("its output has no size"))
}

/// The index into axes of these sizes of the element with this number, in row-major order.
fn multi_index(mut number: usize, sizes: impl DoubleEndedIterator<Item = usize>) -> Vec<usize> {
    let mut index: Vec<usize> = sizes
        .rev()
        .map(|size| {
            let i = number % size;
            number /= size;
            i
        })
        .collect();
    index.reverse();
    index
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let max =
        |x: &[usize], kernel: &[i64]| case("MaxPool").distinct(x).ints("kernel_shape", kernel);
    vec![
        max(&[2, 3, 6, 8], &[2, 2]).ints("strides", &[2, 2]),
        max(&[2, 3, 7, 8], &[3, 3]).ints("strides", &[2, 2]).ints("pads", &[1, 1, 1, 1]),
        max(&[2, 3, 6, 6], &[3, 3]).ints("strides", &[2, 2]).int("ceil_mode", 1),
        max(&[2, 3, 5, 6], &[3, 2]).ints("strides", &[1, 1]).ints("pads", &[1, 0, 1, 1]),
        max(&[2, 3, 7, 7], &[2, 2]).ints("strides", &[3, 4]),
        max(&[2, 3, 7, 6], &[3, 3]).string("auto_pad", "SAME_UPPER").ints("strides", &[2, 2]),
        max(&[2, 3, 7, 6], &[3, 3]).string("auto_pad", "VALID").ints("strides", &[2, 2]),
        max(&[2, 3, 9], &[3]).ints("strides", &[2]).ints("pads", &[1, 0]),
        max(&[2, 3, 9, 8], &[3, 2]).ints("dilations", &[2, 3]).ints("strides", &[2, 1]),
        max(&[2, 3, 8, 8], &[3, 2])
            .ints("dilations", &[2, 2])
            .ints("strides", &[2, 3])
            .ints("pads", &[1, 1, 0, 1])
            .int("ceil_mode", 1),
        case("GlobalMaxPool").distinct(&[2, 3, 4, 5]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::{Case, case};

    fn pool(op: &'static str, x: &[usize], kernel: &[i64], strides: &[i64]) -> Case {
        case(op).x(x).ints("kernel_shape", kernel).ints("strides", strides)
    }

    #[test]
    fn the_first_of_several_maxima_gets_the_gradient() {
        let all_equal = [0.0; 9];
        let overlapping = pool("MaxPool", &[1, 1, 3, 3], &[2, 2], &[1, 1]);
        let corners = [[1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]];
        assert_eq!(overlapping.gradients(&[&all_equal]), corners);
        let padded = pool("MaxPool", &[1, 1, 3, 3], &[3, 3], &[2, 2]).ints("pads", &[1, 1, 1, 1]);
        assert_eq!(padded.gradients(&[&all_equal]), corners);

        let apart = pool("MaxPool", &[1, 1, 2, 4], &[2, 2], &[2, 2]);
        let x = [0.0, 5.0, -1.0, -2.0, 5.0, 0.0, -1.0, -1.0];
        assert_eq!(apart.gradients(&[&x]), [[0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]);

        let global = case("GlobalMaxPool").x(&[1, 2, 2, 2]);
        let x = [1.0, 3.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(global.gradients(&[&x]), [[0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]]);
    }

    #[test]
    fn an_element_gets_the_gradient_of_every_window_whose_maximum_it_is() {
        let overlapping = pool("MaxPool", &[1, 1, 5], &[3], &[1]);
        assert_eq!(
            overlapping.gradients(&[&[0.0, 1.0, 9.0, 2.0, 3.0]]),
            [[0.0, 0.0, 3.0, 0.0, 0.0]]
        );
    }
}
