//! Decomposes pooling by p-norms, over windows and over whole maps.

use super::view::NodeView;
use super::window::{kernel_shape, windows};
use crate::error::Result;
use crate::ops::ConvAttributes;
use crate::tape::Var;

/// y = (sum |x|^p)^(1/p) over a window.
pub(super) fn lp_pool<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let windows = windows(n, &kernel_shape(n)?)?;
    let (shape, y_shape) = (n.x(0)?.shape(), n.y()?.shape());
    let beyond = |size: usize, reach: usize| reach.saturating_sub(size);
    let begins = windows.iter().map(|w| w.begin);
    let ends = windows.iter().map(|w| beyond(w.begin + w.input, w.reach()));
    let options = ConvAttributes {
        strides: windows.iter().map(|w| w.stride).collect(),
        dilations: windows.iter().map(|w| w.dilation).collect(),
        pads: begins.chain(ends).collect(),
    };
    let kernel: Vec<usize> = [1, 1].into_iter().chain(windows.iter().map(|w| w.kernel)).collect();
    let ones = n.tape().scalar(1.0).expand(&kernel);
    // Each channel is summed by itself: as a picture of one channel.
    let alone: Vec<usize> = [shape.iter().take(2).product(), 1]
        .into_iter()
        .chain(shape.iter().skip(2).copied())
        .collect();
    root(n, |powers| powers.reshape(&alone).conv(ones, 1, &options).reshape(&y_shape))
}

/// y = (sum |x|^p)^(1/p) over a map.
pub(super) fn global_lp_pool<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let axes: Vec<usize> = (2..n.x(0)?.rank()).collect();
    root(n, |powers| powers.sum(&axes))
}

/// (sum |x|^p)^(1/p), where `sum` says over which elements.
fn root<'g>(n: &NodeView<'g>, sum: impl FnOnce(Var<'g>) -> Var<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    let constant = |value: f32| n.tape().scalar(value);
    match n.int("p", 2) {
        1 => Ok(sum(x.abs())),
        2 => Ok(sum(x.squared()).sqrt()),
        p @ 3..=64 => {
            let p = p as f32;
            Ok(sum(x.abs().pow(constant(p))).pow(constant(1.0 / p)))
        }
        p => Err(n.unsupported(format!("p is {p}, expected 1 to 64"))),
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let pool = |x: &[usize], kernel: &[i64]| case("LpPool").x(x).ints("kernel_shape", kernel);
    vec![
        case("GlobalLpPool").x(&[2, 3, 4, 5]),
        case("GlobalLpPool").x(&[2, 3, 4]).int("p", 3),
        pool(&[2, 3, 5, 6], &[2, 3]).ints("strides", &[2, 1]),
        pool(&[2, 3, 5, 6], &[2, 3])
            .int("p", 1)
            .ints("strides", &[1, 1])
            .ints("pads", &[0, 1, 1, 1]),
        pool(&[2, 3, 6, 6], &[3, 3]).int("p", 3).ints("strides", &[2, 2]).int("ceil_mode", 1),
        pool(&[2, 3, 7], &[2]).ints("strides", &[1]).ints("dilations", &[3]),
        pool(&[2, 3, 6, 5], &[2, 2]).ints("strides", &[1, 1]).string("auto_pad", "SAME_LOWER"),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::case;

    #[test]
    fn norms_have_the_order_that_p_gives() {
        let norm = |p| {
            let pool = case("LpPool").x(&[1, 1, 3]).ints("kernel_shape", &[2]).int("p", p);
            pool.ints("strides", &[1]).values(&[&[3.0, -4.0, 0.0]])
        };
        assert_eq!(norm(1), [7.0, 4.0]);
        assert_eq!(norm(2), [5.0, 4.0]);
        assert!((norm(3)[0] - 91f32.cbrt()).abs() < 1e-5);
    }
}
