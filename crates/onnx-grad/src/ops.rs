//! The operators that formulas are written with.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::graph::Attribute;
use crate::tape::{Tape, Var};
use crate::tensor::DType;

/// The shape of an elementwise operation between these shapes, if they fit.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |i| s[i]);
    (0..rank)
        .map(|i| match (dim(a, i), dim(b, i)) {
            (m, n) if m == n || n == 1 => Some(m),
            (1, n) => Some(n),
            _ => None,
        })
        .collect()
}

fn ints(name: &'static str, values: &[usize]) -> (&'static str, Attribute) {
    (name, Attribute::Ints(values.iter().map(|v| *v as i64).collect()))
}

fn to_i64s(values: &[usize]) -> Vec<i64> {
    values.iter().map(|v| *v as i64).collect()
}

/// How a kernel slides over a grid: one entry per spatial axis (pads: begins, then ends).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sliding {
    /// Steps between positions.
    pub strides: Vec<usize>,
    /// Steps within the kernel.
    pub dilations: Vec<usize>,
    /// Rows and columns of padding: all begins, then all ends.
    pub pads: Vec<usize>,
}

impl Sliding {
    /// As a node's attributes.
    pub(crate) fn attributes(&self) -> [(&'static str, Attribute); 3] {
        [
            ints("strides", &self.strides),
            ints("dilations", &self.dilations),
            ints("pads", &self.pads),
        ]
    }
}

impl<'g> Var<'g> {
    fn emit(
        self,
        op: &str,
        inputs: &[Option<Var<'g>>],
        attributes: &[(&str, Attribute)],
        shape: Vec<usize>,
    ) -> Var<'g> {
        self.tape.op(op, inputs, attributes, DType::F32, shape)
    }

    /// An elementwise operator of one argument, by its ONNX name.
    pub fn unary(self, op: &str) -> Var<'g> {
        self.emit(op, &[Some(self)], &[], self.shape())
    }

    fn elementwise(self, op: &str, other: Var<'g>, dtype: DType) -> Var<'g> {
        let (a, b) = (self.shape(), other.shape());
        let shape = broadcast(&a, &b).unwrap_or_else(|| {
            self.tape.misfit(format!("{op} of {a:?} and {b:?}"));
            a
        });
        self.tape.op(op, &[Some(self), Some(other)], &[], dtype, shape)
    }

    /// An elementwise operator of two arguments, broadcast, by its ONNX name.
    pub fn binary(self, op: &str, other: Var<'g>) -> Var<'g> {
        self.elementwise(op, other, DType::F32)
    }

    /// A comparison, by its ONNX name: a mask.
    pub fn compare(self, op: &str, other: Var<'g>) -> Var<'g> {
        self.elementwise(op, other, DType::Bool)
    }

    /// Where `self > value`: a mask.
    pub fn gt(self, value: f32) -> Var<'g> {
        self.compare("Greater", self.tape.scalar(value))
    }

    /// Where `self < value`: a mask.
    pub fn lt(self, value: f32) -> Var<'g> {
        self.compare("Less", self.tape.scalar(value))
    }

    /// Where `self == other`: a mask.
    pub fn equals(self, other: Var<'g>) -> Var<'g> {
        self.compare("Equal", other)
    }

    /// Of a mask: `yes` where it holds, else `no`.
    pub fn select(self, yes: Var<'g>, no: Var<'g>) -> Var<'g> {
        let shape = broadcast(&self.shape(), &yes.shape()).and_then(|s| broadcast(&s, &no.shape()));
        let shape = shape.unwrap_or_else(|| {
            self.tape.misfit("Where's arguments".into());
            self.shape()
        });
        self.emit("Where", &[Some(self), Some(yes), Some(no)], &[], shape)
    }

    /// Of a mask: `x` where it holds, else zero.
    pub fn keep(self, x: Var<'g>) -> Var<'g> {
        self.select(x, self.tape.scalar(0.0))
    }

    /// Of a mask: 1 where it holds, else 0.
    pub fn to_float(self) -> Var<'g> {
        self.emit("Cast", &[Some(self)], &[("to", Attribute::Int(DType::F32 as i64))], self.shape())
    }

    /// max(self, 0).
    pub fn relu(self) -> Var<'g> {
        self.unary("Relu")
    }

    /// e^self.
    pub fn exp(self) -> Var<'g> {
        self.unary("Exp")
    }

    /// The square root.
    pub fn sqrt(self) -> Var<'g> {
        self.unary("Sqrt")
    }

    /// The natural logarithm.
    pub fn ln(self) -> Var<'g> {
        self.unary("Log")
    }

    /// The absolute value.
    pub fn abs(self) -> Var<'g> {
        self.unary("Abs")
    }

    /// -1, 0 or 1. (Composed, as rten's Sign takes 0 to 1.)
    pub fn sign(self) -> Var<'g> {
        self.gt(0.0).to_float() - self.lt(0.0).to_float()
    }

    /// The logistic function.
    pub fn sigmoid(self) -> Var<'g> {
        self.unary("Sigmoid")
    }

    /// self^2.
    pub fn squared(self) -> Var<'g> {
        self * self
    }

    /// self^exponent, elementwise.
    pub fn pow(self, exponent: Var<'g>) -> Var<'g> {
        self.binary("Pow", exponent)
    }

    /// A reduction over these axes, by its ONNX name (`ReduceSum`, `ReduceMax` ...); they stay
    /// as ones.
    pub fn reduce(self, op: &str, axes: &[usize]) -> Var<'g> {
        if axes.is_empty() {
            return self;
        }
        let mut shape = self.shape();
        for axis in axes {
            match shape.get_mut(*axis) {
                Some(dim) => *dim = 1,
                None => self.tape.misfit(format!("{op} over axis {axis} of {:?}", self.shape())),
            }
        }
        let axes = self.tape.ints(&to_i64s(axes));
        self.emit(op, &[Some(self), Some(axes)], &[("keepdims", Attribute::Int(1))], shape)
    }

    /// The sum over these axes, which stay as ones.
    pub fn sum(self, axes: &[usize]) -> Var<'g> {
        self.reduce("ReduceSum", axes)
    }

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

    /// The matrix product, batched and broadcast over leading axes (both of rank 2 at least).
    pub fn matmul(self, other: Var<'g>) -> Var<'g> {
        let (a, b) = (self.shape(), other.shape());
        let product = match (a.as_slice(), b.as_slice()) {
            ([lead_a @ .., m, k], [lead_b @ .., l, n]) if k == l => {
                broadcast(lead_a, lead_b).map(|lead| [lead, vec![*m, *n]].concat())
            }
            _ => None,
        };
        let shape = product.unwrap_or_else(|| {
            self.tape.misfit(format!("MatMul of {a:?} and {b:?}"));
            a
        });
        self.emit("MatMul", &[Some(self), Some(other)], &[], shape)
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

    /// The softmax along `axis`.
    pub fn softmax(self, axis: usize) -> Var<'g> {
        self.emit("Softmax", &[Some(self)], &[("axis", Attribute::Int(axis as i64))], self.shape())
    }

    /// The convolution of (N, C, ...) by kernels (M, C / groups, ...).
    pub fn conv(self, kernels: Var<'g>, groups: usize, sliding: &Sliding) -> Var<'g> {
        let (x, w) = (self.shape(), kernels.shape());
        let mut shape = vec![x.first().copied().unwrap_or(0), w.first().copied().unwrap_or(0)];
        let axes = sliding.strides.len();
        for i in 0..axes {
            let extent = (w.get(i + 2).copied().unwrap_or(1).max(1) - 1) * sliding.dilations[i] + 1;
            let padded =
                x.get(i + 2).copied().unwrap_or(0) + sliding.pads[i] + sliding.pads[axes + i];
            match padded.checked_sub(extent) {
                Some(free) => shape.push(free / sliding.strides[i] + 1),
                None => self.tape.misfit(format!("Conv of {x:?} by {w:?}")),
            }
        }
        let [strides, dilations, pads] = sliding.attributes();
        let attributes = [("group", Attribute::Int(groups as i64)), strides, dilations, pads];
        self.emit("Conv", &[Some(self), Some(kernels)], &attributes, shape)
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

macro_rules! operator {
    ($trait:ident, $method:ident, $op:literal) => {
        impl<'g> $trait for Var<'g> {
            type Output = Var<'g>;
            fn $method(self, other: Var<'g>) -> Var<'g> {
                self.binary($op, other)
            }
        }
        impl<'g> $trait<f32> for Var<'g> {
            type Output = Var<'g>;
            fn $method(self, other: f32) -> Var<'g> {
                self.binary($op, self.tape.scalar(other))
            }
        }
        impl<'g> $trait<Var<'g>> for f32 {
            type Output = Var<'g>;
            fn $method(self, other: Var<'g>) -> Var<'g> {
                other.tape.scalar(self).binary($op, other)
            }
        }
    };
}

operator!(Add, add, "Add");
operator!(Sub, sub, "Sub");
operator!(Mul, mul, "Mul");
operator!(Div, div, "Div");

impl<'g> Neg for Var<'g> {
    type Output = Var<'g>;
    fn neg(self) -> Var<'g> {
        self.unary("Neg")
    }
}
