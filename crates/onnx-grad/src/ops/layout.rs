//! Rearranges, repeats and selects elements.

use super::shapes::{broadcast, ints, to_i64s};
use crate::graph::Attribute;
use crate::tape::{Tape, Var};
use crate::tensor::DType;

impl<'g> Var<'g> {
    /// The sum over the axes along which `shape` was broadcast to the shape of `self`: a value of
    /// `shape`.
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
            self.tape.shape_error(format!("shape {own:?} cannot be reshaped to {shape:?}"));
        }
        let to = self.tape.ints(&to_i64s(shape));
        self.emit("Reshape", &[Some(self), Some(to)], &[], shape.to_vec())
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]` of `self`.
    pub fn transpose(self, order: &[usize]) -> Var<'g> {
        let own = self.shape();
        if order.len() != own.len() || order.iter().any(|a| *a >= own.len()) {
            self.tape.shape_error(format!("shape {own:?} cannot be transposed by {order:?}"));
            return self;
        }
        let shape = order.iter().map(|a| own[*a]).collect();
        self.emit("Transpose", &[Some(self)], &[ints("perm", order)], shape)
    }

    /// The last two axes exchanged: the transposes of matrices.
    pub fn transposed(self) -> Var<'g> {
        let mut order: Vec<usize> = (0..self.rank()).collect();
        let last = order.len();
        if last < 2 {
            self.tape.shape_error("a matrix must have two axes");
            return self;
        }
        order.swap(last - 1, last - 2);
        self.transpose(&order)
    }

    /// Broadcasts to this shape.
    pub fn expand(self, shape: &[usize]) -> Var<'g> {
        let own = self.shape();
        if own == shape {
            return self;
        }
        if broadcast(&own, shape).as_deref() != Some(shape) {
            self.tape.shape_error(format!("shape {own:?} cannot be expanded to {shape:?}"));
        }
        let to = self.tape.ints(&to_i64s(shape));
        self.emit("Expand", &[Some(self), Some(to)], &[], shape.to_vec())
    }

    /// The `count` elements `start`, `start + step`, ... along `axis`.
    pub fn slice(self, axis: usize, start: usize, count: usize, step: usize) -> Var<'g> {
        let mut shape = self.shape();
        if start == 0 && step == 1 && shape.get(axis) == Some(&count) {
            return self;
        }
        match shape.get_mut(axis) {
            Some(dim) if count == 0 && start <= *dim => *dim = 0,
            Some(dim) if count > 0 && start + (count - 1) * step < *dim => *dim = count,
            _ => self.tape.shape_error(format!(
                "shape {shape:?} does not have {count} elements from {start} in steps of {step} \
                 along axis {axis}"
            )),
        }
        let end = if count == 0 { start } else { start + (count - 1) * step + 1 };
        let one = |value: usize| Some(self.tape.ints(&[value as i64]));
        let inputs = [Some(self), one(start), one(end), one(axis), one(step)];
        self.emit("Slice", &inputs, &[], shape)
    }

    /// The parts of size 1 along `axis`, of one node: its gradient joins theirs once, whereas that of
    /// a slice is as large as all of them.
    pub fn parts(self, axis: usize) -> Vec<Var<'g>> {
        let mut shape = self.shape();
        let Some(count) = shape.get_mut(axis).map(|size| std::mem::replace(size, 1)) else {
            self.tape.shape_error(format!("shape {shape:?} does not have axis {axis}"));
            return vec![];
        };
        match count {
            0 => vec![],
            1 => vec![self],
            _ => {
                let inputs = [Some(self), Some(self.tape.ints(&vec![1; count]))];
                let axis = [("axis", Attribute::Int(axis as i64))];
                self.tape.outputs("Split", &inputs, &axis, &shape, count)
            }
        }
    }

    /// The elements along `axis` in reverse order.
    pub fn reversed(self, axis: usize) -> Var<'g> {
        let shape = self.shape();
        let Some(&size) = shape.get(axis) else {
            self.tape.shape_error(format!("shape {shape:?} does not have axis {axis}"));
            return self;
        };
        if size == 1 {
            return self;
        }
        let one = |value: i64| Some(self.tape.ints(&[value]));
        // An end of -1 would mean the last element; -1 - size is the position before the first.
        let inputs = [Some(self), one(-1), one(-1 - size as i64), one(axis as i64), one(-1)];
        self.emit("Slice", &inputs, &[], shape)
    }

    /// The elements at these positions along `axis`.
    pub fn gather(self, axis: usize, indices: &[usize]) -> Var<'g> {
        let mut shape = self.shape();
        match shape.get_mut(axis) {
            Some(dim) if indices.iter().all(|i| i < dim) => *dim = indices.len(),
            _ => self.tape.shape_error(format!(
                "shape {shape:?} does not have all indices to gather along axis {axis}"
            )),
        }
        let indices = self.tape.ints(&to_i64s(indices));
        let axis = ("axis", Attribute::Int(axis as i64));
        self.emit("Gather", &[Some(self), Some(indices)], &[axis], shape)
    }

    /// Pads each axis `i` with `value`: `begin[i]` elements before and `end[i]` after it.
    pub fn pad(self, begin: &[usize], end: &[usize], value: f32) -> Var<'g> {
        if begin.iter().chain(end).all(|p| *p == 0) {
            return self;
        }
        let own = self.shape();
        if begin.len() != own.len() || end.len() != own.len() {
            self.tape.shape_error(format!(
                "shape {own:?} needs {} pads at each end, not {} and {}",
                own.len(),
                begin.len(),
                end.len()
            ));
        }
        let shape = own.iter().zip(begin.iter().zip(end)).map(|(d, (b, e))| d + b + e).collect();
        let pads = self.tape.ints(&[to_i64s(begin), to_i64s(end)].concat());
        self.emit("Pad", &[Some(self), Some(pads), Some(self.tape.scalar(value))], &[], shape)
    }

    /// Inserts `step - 1` zeros after every element but the last along `axis`.
    pub fn dilate(self, axis: usize, step: usize) -> Var<'g> {
        let own = self.shape();
        let Some(&size) = own.get(axis) else {
            self.tape.shape_error(format!("shape {own:?} does not have axis {axis}"));
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
    /// Concatenates the parts along `axis`.
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
