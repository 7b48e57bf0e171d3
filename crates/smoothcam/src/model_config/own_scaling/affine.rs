//! Follows a model's input through arithmetic with constants, channel by channel.

use onnx_grad::{Attribute, Graph, Node, ValueId};

use super::constants::{constant, index, int, integers};

/// A channel of a value: `factor * x + offset`, x being the channel `of` of the model's input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plane {
    pub(super) of: usize,
    pub(super) factor: f64,
    pub(super) offset: f64,
}

impl Plane {
    /// What the plane holds where the input holds `x`.
    pub(super) fn at(self, x: f64) -> f64 {
        self.factor * x + self.offset
    }

    /// What the input holds where the plane holds `y`.
    pub(super) fn input_for(self, y: f64) -> f64 {
        (y - self.offset) / self.factor
    }
}

/// A value that depends on the input through such arithmetic alone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planes {
    pub(super) all: Vec<Plane>,
    /// The axis of the channels; `None` if they are not apart.
    axis: Option<usize>,
    rank: usize,
}

impl Planes {
    /// A model's input of so many axes and channels.
    pub(super) fn of_input(rank: usize, axis: usize, channels: usize) -> Self {
        let all = (0..channels).map(|of| Plane { of, factor: 1.0, offset: 0.0 }).collect();
        Self { all, axis: Some(axis), rank }
    }

    /// The outputs of a node, `get` giving what is known of its inputs; `None` if it does anything but such arithmetic.
    pub(super) fn after(
        graph: &Graph,
        node: &Node,
        get: impl Fn(ValueId) -> Option<Self>,
    ) -> Option<Vec<Self>> {
        let (x, y) = (node.input(0), node.input(1));
        let given = x.and_then(&get);
        let first = given.is_some();
        let planes = given.or_else(|| y.and_then(&get))?;
        let other = if first { y } else { x };
        let one = match node.op.as_str() {
            "Concat" => planes.concat(node, get)?,
            "Add" => planes.with(graph, other?, |p, c| [p.factor, p.offset + c])?,
            "Sub" if first => planes.with(graph, other?, |p, c| [p.factor, p.offset - c])?,
            "Sub" => planes.with(graph, other?, |p, c| [-p.factor, c - p.offset])?,
            "Mul" => planes.with(graph, other?, |p, c| [p.factor * c, p.offset * c])?,
            _ if !first => return None,
            "Div" => planes.with(graph, other?, |p, c| [p.factor / c, p.offset / c])?,
            "Neg" => planes.map(|p| [-p.factor, -p.offset]),
            "Identity" | "Cast" | "Pad" | "Clip" | "Resize" | "Floor" | "Ceil" | "Round"
            | "Expand" | "Tile" | "Dropout" => planes,
            "QuantizeLinear" => planes
                .with(graph, y?, |p, c| [p.factor / c, p.offset / c])?
                .with_zero(graph, node.input(2), |p, c| [p.factor, p.offset + c])?,
            "DequantizeLinear" => planes
                .with_zero(graph, node.input(2), |p, c| [p.factor, p.offset - c])?
                .with(graph, y?, |p, c| [p.factor * c, p.offset * c])?,
            "Transpose" => planes.transposed(node)?,
            "Gather" | "GatherND" => planes.gathered(graph, node)?,
            "Slice" => planes.sliced(graph, node)?,
            "Split" => return planes.split(graph, node),
            "Reshape" => planes.reshaped(integers(graph, y).as_deref()),
            "Flatten" => Self { axis: None, rank: 2, ..planes },
            "Squeeze" => planes.squeezed(&integers(graph, y)?)?,
            "Unsqueeze" => planes.unsqueezed(&integers(graph, y)?)?,
            _ => return None,
        };
        Some(vec![one])
    }

    fn map(self, f: impl Fn(Plane) -> [f64; 2]) -> Self {
        let changed = |p: Plane| {
            let [factor, offset] = f(p);
            Plane { factor, offset, ..p }
        };
        Self { all: self.all.into_iter().map(changed).collect(), ..self }
    }

    /// Arithmetic with a constant: `f` gives factor and offset of a plane and its number.
    fn with(self, graph: &Graph, value: ValueId, f: fn(Plane, f64) -> [f64; 2]) -> Option<Self> {
        let (numbers, shape) = constant(graph, value)?;
        let added = shape.len().saturating_sub(self.rank);
        let axis = self.axis.map(|axis| axis + added);
        let rank = self.rank + added;
        let along = match axis {
            Some(axis) => (axis + shape.len()).checked_sub(rank),
            // A number for each channel is told by its shape.
            None => shape.iter().position(|&n| n == self.all.len() && n == numbers.len()),
        };
        let count = along.map_or(1, |along| shape[along]);
        let inner: usize = along.map_or(1, |along| shape[along + 1..].iter().product());
        let planes = match (self.all.len(), count) {
            (_, 1) => self.all,
            (1, count) => self.all.repeat(count),
            (have, count) if have == count => self.all,
            _ => return None,
        };
        let combine = |(c, p): (usize, Plane)| {
            let own: Vec<[f64; 2]> = (numbers.iter().enumerate())
                .filter(|(i, _)| count == 1 || i / inner % count == c)
                .map(|(_, number)| f(p, *number))
                .collect();
            let mean = |i: usize| own.iter().map(|pair| pair[i]).sum::<f64>() / own.len() as f64;
            let (factor, offset) = (mean(0), mean(1));
            let finite = factor.is_finite() && offset.is_finite() && factor != 0.0;
            finite.then_some(Plane { factor, offset, ..p })
        };
        let all: Option<Vec<Plane>> = planes.into_iter().enumerate().map(combine).collect();
        Some(Self { all: all?, axis, rank })
    }

    /// The same with a zero point, which may be left out.
    fn with_zero(
        self,
        graph: &Graph,
        zero: Option<ValueId>,
        f: fn(Plane, f64) -> [f64; 2],
    ) -> Option<Self> {
        match zero {
            Some(zero) => self.with(graph, zero, f),
            None => Some(self),
        }
    }

    /// The planes of these indices.
    fn select(self, indices: impl IntoIterator<Item = usize>) -> Option<Self> {
        let all: Option<Vec<Plane>> =
            indices.into_iter().map(|i| self.all.get(i).copied()).collect();
        Some(Self { all: all.filter(|all| !all.is_empty())?, ..self })
    }

    /// An axis that may count from the last one.
    fn axis_of(&self, axis: i64) -> Option<usize> {
        index(axis, self.rank)
    }

    fn concat(&self, node: &Node, get: impl Fn(ValueId) -> Option<Self>) -> Option<Self> {
        let parts: Option<Vec<Self>> = node.inputs.iter().map(|i| get((*i)?)).collect();
        let (parts, axis) = (parts?, self.axis_of(int(node, "axis")?)?);
        if parts.iter().all(|part| part.axis.is_none_or(|own| own == axis)) {
            let all = parts.iter().flat_map(|part| part.all.clone()).collect();
            return Some(Self { all, axis: Some(axis), rank: self.rank });
        }
        parts.iter().all(|part| part == self).then(|| self.clone())
    }

    fn transposed(self, node: &Node) -> Option<Self> {
        let axis = match (self.axis, node.attribute("perm")) {
            (None, _) => None,
            (Some(axis), None) => Some(self.rank.checked_sub(axis + 1)?),
            (Some(axis), Some(Attribute::Ints(perm))) => {
                Some(perm.iter().position(|&from| from == axis as i64)?)
            }
            _ => return None,
        };
        Some(Self { axis, ..self })
    }

    fn gathered(self, graph: &Graph, node: &Node) -> Option<Self> {
        let axis = self.axis_of(int(node, "axis").unwrap_or(0))?;
        // What selects along the first axis, as an index of torch is written, is a Gather, too.
        let along_one_axis = match (node.op.as_str(), graph.content(node.input(1)?)?.shape()) {
            ("Gather", []) => false,
            ("Gather", [_]) => true,
            ("GatherND", [_, 1]) if int(node, "batch_dims").unwrap_or(0) == 0 => true,
            _ => return None,
        };
        let found = if self.axis == Some(axis) {
            let indices = integers(graph, node.input(1))?;
            let count = self.all.len();
            let indices: Option<Vec<usize>> = indices.iter().map(|i| index(*i, count)).collect();
            self.select(indices?)?
        } else {
            self
        };
        if along_one_axis { Some(found) } else { found.squeezed(&[axis as i64]) }
    }

    fn sliced(self, graph: &Graph, node: &Node) -> Option<Self> {
        let numbers = |i: usize| integers(graph, node.input(i));
        let axes = match node.input(3) {
            Some(_) => numbers(3)?,
            None => (0..numbers(1)?.len() as i64).collect(),
        };
        let along =
            axes.iter().position(|&a| self.axis_of(a).is_some_and(|a| Some(a) == self.axis));
        let Some(i) = along else { return Some(self) };
        let step = if node.input(4).is_some() { *numbers(4)?.get(i)? } else { 1 };
        let (start, end, count) =
            (*numbers(1)?.get(i)?, *numbers(2)?.get(i)?, self.all.len() as i64);
        let from_end = |n: i64| if n < 0 { n.saturating_add(count) } else { n };
        let indices: Vec<usize> = match step {
            1.. => (from_end(start).clamp(0, count)..from_end(end).clamp(0, count))
                .step_by(step as usize)
                .map(|i| i as usize)
                .collect(),
            0 => return None,
            _ => (from_end(end).clamp(-1, count - 1) + 1..=from_end(start).clamp(-1, count - 1))
                .rev()
                .step_by(step.unsigned_abs() as usize)
                .map(|i| i as usize)
                .collect(),
        };
        self.select(indices)
    }

    fn split(self, graph: &Graph, node: &Node) -> Option<Vec<Self>> {
        let (count, parts) = (self.all.len(), node.outputs.len());
        if self.axis_of(int(node, "axis").unwrap_or(0)) != self.axis {
            return Some(vec![self; parts]);
        }
        let sizes = match node.input(1) {
            Some(_) => integers(graph, node.input(1))?,
            None => (0..parts)
                .map(|i| count.div_ceil(parts).min(count.saturating_sub(i * count.div_ceil(parts))))
                .map(|size| size as i64)
                .collect(),
        };
        let mut start = 0usize;
        let mut pieces = Vec::new();
        for size in sizes {
            let end = start.checked_add(usize::try_from(size).ok()?)?;
            pieces.push(self.clone().select(start..end)?);
            start = end;
        }
        (pieces.len() == parts).then_some(pieces)
    }

    /// The channels keep their axis if all before it, or all after it, stay.
    fn reshaped(self, shape: Option<&[i64]>) -> Self {
        let Some(shape) = shape else { return Self { axis: None, ..self } };
        let rank = shape.len();
        let axis = self.axis.filter(|&axis| {
            let size = shape.get(axis).copied();
            let from_last = axis + 1 == self.rank;
            let kept = |n: i64| n == self.all.len() as i64;
            size.is_some_and(|n| kept(n) || n == 0) && (axis == 1 || rank == self.rank)
                || from_last && shape.last().is_some_and(|n| kept(*n))
        });
        let axis = axis.map(|axis| if axis + 1 == self.rank { rank - 1 } else { axis });
        Self { axis, rank, ..self }
    }

    fn squeezed(self, axes: &[i64]) -> Option<Self> {
        let axes: Option<Vec<usize>> = axes.iter().map(|&axis| self.axis_of(axis)).collect();
        let axes = axes?;
        let axis = self.axis.filter(|axis| !axes.contains(axis));
        let axis = axis.map(|axis| axis - axes.iter().filter(|&&a| a < axis).count());
        Some(Self { axis, rank: self.rank.checked_sub(axes.len())?, ..self })
    }

    fn unsqueezed(self, axes: &[i64]) -> Option<Self> {
        let rank = self.rank + axes.len();
        let axes: Option<Vec<usize>> = axes.iter().map(|&axis| index(axis, rank)).collect();
        let mut axes = axes?;
        axes.sort_unstable();
        let moved = |axis: usize| axes.iter().fold(axis, |at, &new| at + usize::from(new <= at));
        Some(Self { axis: self.axis.map(moved), rank, ..self })
    }
}
