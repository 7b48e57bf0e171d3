//! Operators that move elements, or leave some out.

use super::{broadcast, ints, to_i64s};
use crate::graph::Attribute;
use crate::tape::{Tape, Var};
use crate::tensor::DType;

impl<'g> Var<'g> {
    /// The sum over those axes along which `shape` was broadcast to this one's.
    pub fn sum_to(self, shape: &[usize]) -> Var<'g> {
        let own = self.shape();
        if own == shape {
            return self;
        }
        let extra = own.len().saturating_sub(shape.len());
        let axes: Vec<usize> = (0..own.len())
            .filter(|i| *i < extra || (shape[i - extra] == 1 && own[*i] != 1))
            .collect();
        self.sum(&axes).reshape(shape)
    }

    /// The same elements in another shape.
    pub fn reshape(self, shape: &[usize]) -> Var<'g> {
        let own = self.shape();
        if own == shape {
            return self;
        }
        if own.iter().product::<usize>() != shape.iter().product::<usize>() {
            self.tape.misfit(format!("Reshape of {own:?} to {shape:?}"));
        }
        let to = self.tape.ints(&to_i64s(shape));
        self.emit("Reshape", &[Some(self), Some(to)], &[], shape.to_vec())
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]`.
    pub fn transpose(self, order: &[usize]) -> Var<'g> {
        let own = self.shape();
        if order.len() != own.len() || order.iter().any(|a| *a >= own.len()) {
            self.tape.misfit(format!("Transpose of {own:?} by {order:?}"));
            return self;
        }
        let shape = order.iter().map(|a| own[*a]).collect();
        self.emit("Transpose", &[Some(self)], &[ints("perm", order)], shape)
    }

    /// The last two axes exchanged.
    pub fn transposed(self) -> Var<'g> {
        let mut order: Vec<usize> = (0..self.rank()).collect();
        let last = order.len();
        if last < 2 {
            self.tape.misfit("a matrix has two axes".into());
            return self;
        }
        order.swap(last - 1, last - 2);
        self.transpose(&order)
    }

    /// Repeats along axes of size one until the shape is this.
    pub fn expand(self, shape: &[usize]) -> Var<'g> {
        let own = self.shape();
        if own == shape {
            return self;
        }
        if broadcast(&own, shape).as_deref() != Some(shape) {
            self.tape.misfit(format!("Expand of {own:?} to {shape:?}"));
        }
        let to = self.tape.ints(&to_i64s(shape));
        self.emit("Expand", &[Some(self), Some(to)], &[], shape.to_vec())
    }

    /// Along `axis`, the elements `start, start + step, ...`, `count` of them.
    pub fn slice(self, axis: usize, start: usize, count: usize, step: usize) -> Var<'g> {
        let mut shape = self.shape();
        if start == 0 && step == 1 && shape.get(axis) == Some(&count) {
            return self;
        }
        match shape.get_mut(axis) {
            Some(dim) if count > 0 && start + (count - 1) * step < *dim => *dim = count,
            _ => self.tape.misfit(format!("Slice of {shape:?} along axis {axis}")),
        }
        let end = start + (count.max(1) - 1) * step + 1;
        let one = |value: usize| Some(self.tape.ints(&[value as i64]));
        let inputs = [Some(self), one(start), one(end), one(axis), one(step)];
        self.emit("Slice", &inputs, &[], shape)
    }

    /// The elements along `axis` in reverse order.
    pub fn reversed(self, axis: usize) -> Var<'g> {
        let shape = self.shape();
        let Some(&size) = shape.get(axis) else {
            self.tape.misfit(format!("axis {axis} of {shape:?}"));
            return self;
        };
        if size == 1 {
            return self;
        }
        let one = |value: i64| Some(self.tape.ints(&[value]));
        // An end of -1 would mean the last element: the one before the first is size places on.
        let inputs = [Some(self), one(-1), one(-1 - size as i64), one(axis as i64), one(-1)];
        self.emit("Slice", &inputs, &[], shape)
    }

    /// Along `axis`, the elements at these places.
    pub fn gather(self, axis: usize, places: &[usize]) -> Var<'g> {
        let mut shape = self.shape();
        match shape.get_mut(axis) {
            Some(dim) if places.iter().all(|p| p < dim) => *dim = places.len(),
            _ => self.tape.misfit(format!("Gather from {shape:?} along axis {axis}")),
        }
        let places = self.tape.ints(&to_i64s(places));
        let axis = ("axis", Attribute::Int(axis as i64));
        self.emit("Gather", &[Some(self), Some(places)], &[axis], shape)
    }

    /// Surrounds with `value`: `begin[i]` elements before and `end[i]` after, along each axis.
    pub fn pad(self, begin: &[usize], end: &[usize], value: f32) -> Var<'g> {
        if begin.iter().chain(end).all(|p| *p == 0) {
            return self;
        }
        let own = self.shape();
        if begin.len() != own.len() || end.len() != own.len() {
            self.tape.misfit(format!("Pad of {own:?}"));
        }
        let shape = own.iter().zip(begin.iter().zip(end)).map(|(d, (b, e))| d + b + e).collect();
        let pads = self.tape.ints(&[to_i64s(begin), to_i64s(end)].concat());
        self.emit("Pad", &[Some(self), Some(pads), Some(self.tape.scalar(value))], &[], shape)
    }

    /// Along `axis`, `step - 1` zeros after every element but the last.
    pub fn dilate(self, axis: usize, step: usize) -> Var<'g> {
        let own = self.shape();
        let Some(&size) = own.get(axis) else {
            self.tape.misfit(format!("axis {axis} of {own:?}"));
            return self;
        };
        if step <= 1 || size == 0 {
            return self;
        }
        let mut split = own.clone();
        split.insert(axis + 1, 1);
        let mut after = vec![0; split.len()];
        after[axis + 1] = step - 1;
        let mut joined = own.clone();
        joined[axis] = size * step;
        let spread = self.reshape(&split).pad(&vec![0; split.len()], &after, 0.0).reshape(&joined);
        spread.slice(axis, 0, (size - 1) * step + 1, 1)
    }
}

impl Tape {
    /// The parts one after the other along `axis`.
    pub fn concat<'g>(&'g self, parts: &[Var<'g>], axis: usize) -> Var<'g> {
        let mut shape = parts.first().map(|p| p.shape()).unwrap_or_default();
        if let Some(dim) = shape.get_mut(axis) {
            *dim = parts.iter().map(|p| p.shape().get(axis).copied().unwrap_or(0)).sum();
        }
        let inputs: Vec<_> = parts.iter().map(|p| Some(*p)).collect();
        self.op("Concat", &inputs, &[("axis", Attribute::Int(axis as i64))], DType::F32, shape)
    }

    /// Zeros of this shape.
    pub fn zeros(&self, shape: &[usize]) -> Var<'_> {
        self.scalar(0.0).expand(shape)
    }
}
