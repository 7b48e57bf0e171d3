//! The operators that formulas are written with.

mod layout;
mod linear;

pub use linear::Sliding;

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::graph::Attribute;
use crate::tape::Var;
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

impl<'g> Var<'g> {
    pub(crate) fn emit(
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

    /// 1 where self > 0, else 0: a mask to multiply by, many times faster than a comparison and
    /// `Where` on every engine. Exact down to 2^-127, below all normal numbers.
    pub fn step(self) -> Var<'g> {
        let steep = [("alpha", Attribute::Float(2f32.powi(127))), ("beta", Attribute::Float(0.0))];
        self.emit("HardSigmoid", &[Some(self)], &steep, self.shape())
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

    /// The softmax along `axis`.
    pub fn softmax(self, axis: usize) -> Var<'g> {
        self.emit("Softmax", &[Some(self)], &[("axis", Attribute::Int(axis as i64))], self.shape())
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
