//! Decomposes the causal convolution of a sequence that carries a state on.

use super::view::NodeView;
use crate::error::Result;
use crate::ops::ConvAttributes;
use crate::tape::Var;

/// y = activation(x * w + b), each channel by itself, where the elements before x are those of a
/// state, or zeros; and the last elements, which are the state of the next call.
pub(super) fn causal_conv<'g>(n: &NodeView<'g>) -> Result<Vec<Var<'g>>> {
    let (x, w) = (n.x(0)?, n.x(1)?);
    let (x_shape, w_shape) = (x.shape(), w.shape());
    let (&[batch, channels, length], &[_, 1, kernel]) = (x_shape.as_slice(), w_shape.as_slice())
    else {
        return Err(n.unsupported(format!(
            "kernels of shape {w_shape:?} do not match an input of shape {x_shape:?}"
        )));
    };
    let state = kernel.saturating_sub(1);
    let past = n.optional(3).unwrap_or_else(|| n.tape().zeros(&[batch, channels, state]));
    let all = if state == 0 { x } else { n.tape().concat(&[past, x], 2) };
    let options = ConvAttributes { strides: vec![1], dilations: vec![1], pads: vec![0; 2] };
    let mut y = all.conv(w, channels, &options);
    if let Some(bias) = n.optional(2) {
        y = y + bias.reshape(&[channels, 1]);
    }
    let y = match n.string("activation", "none") {
        "none" => y,
        "silu" | "swish" => y * y.sigmoid(),
        other => return Err(n.unsupported(format!("activation '{other}' is not supported"))),
    };
    Ok(vec![y, all.slice(2, length, state, 1)])
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let conv = || case("CausalConvWithState").x(&[2, 3, 5]).x(&[3, 1, 3]);
    vec![
        conv(),
        conv().x(&[3]).x(&[2, 3, 2]).outputs(2),
        conv().missing().x(&[2, 3, 2]).outputs(2).string("activation", "silu"),
        case("CausalConvWithState").x(&[1, 2, 4]).x(&[2, 1, 1]).x(&[2]),
    ]
}
