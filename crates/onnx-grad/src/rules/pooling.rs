//! Differentiates means over windows and over whole maps.

use super::separable::{AxisMap, adjoint, apply};
use super::view::{NodeView, Vjp};
use super::window::{Window, is_dilated, kernel_shape, windows};
use crate::error::Result;
use crate::tape::Var;

/// y = the mean of a window, which is A x along each axis with a matrix A that averages, so
/// dx = A^T dy along each axis.
pub(super) fn average_pool<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    adjoint(n, n.dy()?, &means(n)?)
}

/// y = A x along each axis, if the windows are dilated, which few engines compute.
pub(super) fn dilated_average_pool<'g>(n: &NodeView<'g>) -> Result<Option<Var<'g>>> {
    if is_dilated(n) { apply(n, n.x(0)?, &means(n)?).map(Some) } else { Ok(None) }
}

fn means(n: &NodeView<'_>) -> Result<Vec<AxisMap>> {
    let windows = windows(n, &kernel_shape(n)?)?;
    let include_pad = n.int("count_include_pad", 0) != 0;
    let maps = windows.iter().enumerate().map(|(i, w)| averaging(n, i + 2, w, include_pad));
    maps.collect()
}

/// The matrix that averages along one axis. The number of elements in a window is the product of
/// the numbers along its axes, with padding or without, so that the mean over the window is the
/// mean of means along its axes.
fn averaging(n: &NodeView<'_>, axis: usize, w: &Window, include_pad: bool) -> Result<AxisMap> {
    let mut map = AxisMap::new(n, axis, w.output, w.input)?;
    // Elements that ceil_mode adds behind the declared padding never count.
    let padded = w.input + w.begin + w.end;
    for step in 0..w.output {
        let elements = || (0..w.kernel).filter_map(|tap| w.element(step, tap));
        let count = if include_pad {
            (0..w.kernel).filter(|tap| w.padded(step, *tap) < padded).count()
        } else {
            elements().count()
        };
        elements().for_each(|i| map.add(step, i, 1.0 / count as f32));
    }
    Ok(map)
}

/// y = the mean of a map, so dx = dy / size for each element.
pub(super) fn global_average_pool<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let shape = n.x(0)?.shape();
    let size: usize = shape.iter().skip(2).product();
    Ok((n.dy()? / size as f32).expand(&shape))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let mean = |x: &[usize], kernel: &[i64]| {
        case("AveragePool").x(x).ints("kernel_shape", kernel).linear()
    };
    vec![
        mean(&[2, 3, 6, 8], &[2, 2]).ints("strides", &[2, 2]),
        mean(&[2, 3, 5, 6], &[3, 3]).ints("strides", &[1, 1]).ints("pads", &[1, 1, 1, 1]),
        mean(&[2, 3, 5, 6], &[3, 2])
            .ints("strides", &[1, 1])
            .ints("pads", &[1, 0, 1, 1])
            .int("count_include_pad", 1),
        mean(&[2, 3, 6, 6], &[3, 3]).ints("strides", &[2, 2]).int("ceil_mode", 1),
        mean(&[2, 3, 6, 6], &[3, 3])
            .ints("strides", &[2, 2])
            .ints("pads", &[1, 0, 0, 1])
            .int("ceil_mode", 1)
            .int("count_include_pad", 1),
        mean(&[2, 3, 7, 6], &[3, 3]).string("auto_pad", "SAME_UPPER").ints("strides", &[2, 2]),
        mean(&[2, 3, 9], &[3]).ints("strides", &[2]),
        mean(&[2, 3, 9, 8], &[3, 2]).ints("dilations", &[2, 3]).ints("strides", &[2, 1]),
        mean(&[2, 3, 8, 8], &[3, 2])
            .ints("dilations", &[2, 2])
            .ints("strides", &[2, 3])
            .ints("pads", &[1, 1, 0, 1])
            .int("ceil_mode", 1)
            .int("count_include_pad", 1),
        case("GlobalAveragePool").x(&[2, 3, 4, 5]).linear(),
        case("GlobalAveragePool").x(&[2, 3, 7]).linear(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::{Case, case};

    fn pool(op: &'static str, x: &[usize], kernel: &[i64], strides: &[i64]) -> Case {
        case(op).x(x).ints("kernel_shape", kernel).ints("strides", strides)
    }

    #[test]
    fn elements_that_ceil_mode_adds_do_not_count() {
        let third = 1.0 / 3.0;
        let rounded = pool("AveragePool", &[1, 1, 4], &[3], &[2]).int("ceil_mode", 1);
        let last_of_two = [[third, third, third + 0.5, 0.5]];
        assert_eq!(rounded.clone().gradients(&[&[0.0; 4]]), last_of_two);
        assert_eq!(rounded.int("count_include_pad", 1).gradients(&[&[0.0; 4]]), last_of_two);

        let padded = pool("AveragePool", &[1, 1, 4], &[3], &[2]).ints("pads", &[0, 1]);
        assert_eq!(padded.clone().gradients(&[&[0.0; 4]]), last_of_two);
        let last_of_three = [[third, third, third + third, third]];
        assert_eq!(padded.int("count_include_pad", 1).gradients(&[&[0.0; 4]]), last_of_three);
    }
}
