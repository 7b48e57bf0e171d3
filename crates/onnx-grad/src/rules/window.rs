//! Computes how the windows of convolutions and pooling slide, by ONNX's definition.

use super::view::NodeView;
use crate::error::Result;

/// The largest size of an axis, stride or pad, and of all steps of a window along an axis together.
/// No picture is as large, and no sum or product overflows.
const LARGEST: usize = 1 << 26;

/// A window that slides along one axis. At step `o`, its tap `t` lies on element
/// `o * stride + t * dilation - begin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// The number of elements of the axis.
    pub(super) input: usize,
    /// The number of steps.
    pub(super) output: usize,
    /// The number of taps.
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// The padding before the axis.
    pub(super) begin: usize,
    /// The padding after the axis, as declared. The steps may leave some of it out, or reach beyond
    /// it.
    pub(super) end: usize,
}

impl Window {
    /// The number of elements from the first tap to the last.
    pub(super) fn extent(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// The number of elements from the first tap of the first step to the last tap of the last
    /// step.
    pub(super) fn reach(&self) -> usize {
        (self.output - 1) * self.stride + self.extent()
    }

    /// The element of the padded axis that a tap lies on.
    pub(super) fn padded(&self, step: usize, tap: usize) -> usize {
        step * self.stride + tap * self.dilation
    }

    /// The element of the axis that a tap lies on; `None` in padding.
    pub(super) fn element(&self, step: usize, tap: usize) -> Option<usize> {
        self.padded(step, tap).checked_sub(self.begin).filter(|i| *i < self.input)
    }

    /// The window with the padding of `auto_pad` SAME, which makes input / stride steps, rounded
    /// up.
    fn padded_for_same(self, surplus: Surplus) -> Self {
        let steps = Self { output: self.input.div_ceil(self.stride), ..self };
        let (begin, end) = surplus.split(steps.reach().saturating_sub(self.input));
        Self { begin, end, ..self }
    }

    /// The number of steps as ONNX defines it; 0 if the window does not fit.
    fn steps(&self, ceil: bool) -> usize {
        let rounding = if ceil { self.stride - 1 } else { 0 };
        let room = self.begin + self.input + self.end + rounding;
        let Some(free) = room.checked_sub(self.extent()) else { return 0 };
        let steps = free / self.stride + 1;
        // With ceil_mode, steps that would begin behind the axis are left out.
        let last = (steps - 1) * self.stride;
        if ceil && last >= self.begin + self.input { steps - 1 } else { steps }
    }
}

/// The windows that a Conv or pooling node slides over the spatial axes of its input.
///
/// # Errors
/// If the node's attributes contradict each other or its shapes.
pub(super) fn windows(n: &NodeView<'_>, kernel: &[usize]) -> Result<Vec<Window>> {
    let ceil = n.int("ceil_mode", 0) != 0;
    let padding = Padding::of(n, kernel.len())?;
    let mut windows = unpadded(n, n.x(0)?.shape(), n.y()?.shape(), kernel)?;
    for (i, window) in windows.iter_mut().enumerate() {
        *window = match &padding {
            Padding::Explicit(pads) => Window { begin: pads[i].0, end: pads[i].1, ..*window },
            Padding::Same(surplus) => window.padded_for_same(*surplus),
        };
        let (steps, output) = (window.steps(ceil), window.output);
        if steps != output {
            return Err(n.unsupported(format!(
                "its window makes {steps} steps along axis {}, \
                 but its output has {output} elements",
                i + 2
            )));
        }
    }
    Ok(windows)
}

/// The windows that slide over the spatial axes of `input` and make a step for each element of
/// `output`, with the node's strides and dilations, but without padding.
pub(super) fn unpadded(
    n: &NodeView<'_>,
    input: Vec<usize>,
    output: Vec<usize>,
    kernel: &[usize],
) -> Result<Vec<Window>> {
    let axes = kernel.len();
    if axes == 0 || input.len() != axes + 2 || output.len() != axes + 2 {
        return Err(n.unsupported(format!(
            "a kernel of shape {kernel:?} cannot slide over an input of shape {input:?}"
        )));
    }
    let (strides, dilations) = (positive(n, "strides", axes)?, positive(n, "dilations", axes)?);
    let window = |i: usize| Window {
        input: input[i + 2],
        output: output[i + 2],
        kernel: kernel[i],
        stride: strides[i],
        dilation: dilations[i],
        begin: 0,
        end: 0,
    };
    let bounded = |size: usize| (1..=LARGEST).contains(&size);
    let is_valid = |w: &Window| {
        bounded(w.input) && bounded(w.output) && bounded(w.kernel) && bounded(w.kernel * w.output)
    };
    let windows: Vec<Window> = (0..axes).map(window).collect();
    if windows.iter().all(is_valid) {
        Ok(windows)
    } else {
        Err(n.unsupported(format!(
            "a kernel of shape {kernel:?} cannot lead from shape {input:?} to {output:?}"
        )))
    }
}

/// How a node pads the spatial axes.
#[derive(Debug)]
pub(super) enum Padding {
    /// By these numbers of elements, before and after each axis.
    Explicit(Vec<(usize, usize)>),
    /// By as many elements as the shapes need.
    Same(Surplus),
}

/// The side that gets one more element if their number is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surplus {
    Begin,
    End,
}

impl Surplus {
    /// The elements before and after an axis, of this many in all.
    pub(super) fn split(self, total: usize) -> (usize, usize) {
        let (less, more) = (total / 2, total.div_ceil(2));
        match self {
            Surplus::Begin => (more, less),
            Surplus::End => (less, more),
        }
    }
}

impl Padding {
    /// The padding of a node with this number of spatial axes.
    pub(super) fn of(n: &NodeView<'_>, axes: usize) -> Result<Self> {
        match n.string("auto_pad", "NOTSET") {
            "SAME_UPPER" => Ok(Padding::Same(Surplus::End)),
            "SAME_LOWER" => Ok(Padding::Same(Surplus::Begin)),
            "VALID" => Ok(Padding::Explicit(vec![(0, 0); axes])),
            "NOTSET" => {
                let pads = sizes(n, "pads", 2 * axes, 0, 0)?;
                let (begins, ends) = pads.split_at(axes);
                Ok(Padding::Explicit(begins.iter().copied().zip(ends.iter().copied()).collect()))
            }
            other => Err(n.unsupported(format!("auto_pad '{other}' is not supported"))),
        }
    }
}

/// The shape of the kernel of a pooling node.
pub(super) fn kernel_shape(n: &NodeView<'_>) -> Result<Vec<usize>> {
    let axes = n.ints("kernel_shape").map_or(0, |k| k.len());
    positive(n, "kernel_shape", axes)
}

/// Whether a node has dilations other than 1, so that its windows have gaps.
pub(super) fn is_dilated(n: &NodeView<'_>) -> bool {
    n.ints("dilations").is_some_and(|dilations| dilations.iter().any(|d| *d != 1))
}

/// An attribute of `count` positive numbers, 1 by default.
fn positive(n: &NodeView<'_>, name: &str, count: usize) -> Result<Vec<usize>> {
    sizes(n, name, count, 1, 1)
}

/// An attribute of `count` numbers that are at least `least`.
pub(super) fn sizes(
    n: &NodeView<'_>,
    name: &str,
    count: usize,
    least: usize,
    default: usize,
) -> Result<Vec<usize>> {
    let Some(values) = n.ints(name) else { return Ok(vec![default; count]) };
    let size = |v: &i64| usize::try_from(*v).ok().filter(|v| (least..=LARGEST).contains(v));
    let sizes: Option<Vec<usize>> = values.iter().map(size).collect();
    sizes.filter(|s| s.len() == count).ok_or_else(|| {
        n.unsupported(format!(
            "{name} is {values:?}, expected {count} numbers from {least} to {LARGEST}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Tape;
    use crate::testing::{Case, case};

    #[test]
    fn steps_are_counted_as_onnx_says() {
        let window = |input, kernel, stride, begin, end| Window {
            input,
            output: 0,
            kernel,
            stride,
            dilation: 1,
            begin,
            end,
        };
        assert_eq!(window(7, 3, 2, 0, 0).steps(false), 3);
        assert_eq!(window(8, 3, 2, 0, 0).steps(false), 3);
        assert_eq!(window(8, 3, 2, 0, 0).steps(true), 4);
        assert_eq!(window(2, 3, 1, 0, 0).steps(false), 0);
        assert_eq!(window(2, 3, 2, 0, 0).steps(true), 1, "part of a window");
        assert_eq!(window(4, 2, 2, 0, 1).steps(true), 2, "a third would lie in the padding");
        assert_eq!(Window { dilation: 3, ..window(9, 3, 2, 0, 0) }.steps(false), 2);
    }

    #[test]
    fn the_larger_half_of_same_padding_is_on_the_side_that_auto_pad_names() {
        let window =
            Window { input: 6, output: 3, kernel: 3, stride: 2, dilation: 1, begin: 0, end: 0 };
        let pads = |surplus| {
            let padded = window.padded_for_same(surplus);
            (padded.begin, padded.end)
        };
        assert_eq!(pads(Surplus::End), (0, 1));
        assert_eq!(pads(Surplus::Begin), (1, 0));
    }

    #[test]
    fn contradicting_attributes_are_errors() {
        let pool = || case("AveragePool").x(&[1, 1, 4, 4]);
        let found = |case: Case| {
            let (mut graph, _, outputs) = case.graph();
            outputs.iter().for_each(|y| graph.values[y.0].shape = Some(vec![1, 1, 2, 2]));
            let node = graph.nodes[0].clone();
            let tape = Tape::new(graph);
            let view = NodeView { tape: &tape, node };
            kernel_shape(&view).and_then(|kernel| windows(&view, &kernel)).map(|w| w.len())
        };
        let valid = || pool().ints("kernel_shape", &[2, 2]).ints("strides", &[2, 2]);
        assert_eq!(found(valid()), Ok(2));
        for invalid in [
            pool(),
            pool().ints("kernel_shape", &[2]),
            pool().ints("kernel_shape", &[2, 0]),
            pool().ints("kernel_shape", &[5, 5]),
            pool().ints("kernel_shape", &[1 << 40, 1 << 40]),
            pool().ints("kernel_shape", &[2, 2]),
            valid().ints("strides", &[2]),
            valid().ints("strides", &[0, 2]),
            valid().ints("dilations", &[2, i64::MAX]),
            valid().ints("dilations", &[2, 2]),
            valid().ints("pads", &[0, 0, 0]),
            valid().ints("pads", &[0, -1, 0, 0]),
            valid().string("auto_pad", "AUTO"),
        ] {
            assert!(found(invalid).is_err());
        }
    }
}
