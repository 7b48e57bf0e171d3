//! Applies functions and operators element by element.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::shapes::broadcast;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::DType;

impl<'g> Var<'g> {
    /// Appends a node with one float output of this shape.
    pub(crate) fn emit(
        self,
        op: &str,
        inputs: &[Option<Var<'g>>],
        attributes: &[(&str, Attribute)],
        shape: Vec<usize>,
    ) -> Var<'g> {
        self.tape.op(op, inputs, attributes, DType::F32, shape)
    }

    /// The elementwise operator of this name, such as `Tanh`, of one argument.
    pub fn unary(self, op: &str) -> Var<'g> {
        self.emit(op, &[Some(self)], &[], self.shape())
    }

    fn elementwise(self, op: &str, other: Var<'g>, dtype: DType) -> Var<'g> {
        let (a, b) = (self.shape(), other.shape());
        let shape = broadcast(&a, &b).unwrap_or_else(|| {
            self.tape.shape_error(format!("{op} cannot broadcast shapes {a:?} and {b:?}"));
            a
        });
        self.tape.op(op, &[Some(self), Some(other)], &[], dtype, shape)
    }

    /// The elementwise operator of this name, such as `Max`, of two arguments that are broadcast.
    pub fn binary(self, op: &str, other: Var<'g>) -> Var<'g> {
        self.elementwise(op, other, DType::F32)
    }

    /// The mask that the operator of this name, such as `Greater` or `And`, makes of two arguments
    /// that are broadcast.
    pub fn compare(self, op: &str, other: Var<'g>) -> Var<'g> {
        self.elementwise(op, other, DType::Bool)
    }

    /// The mask of `self > value`.
    pub fn gt(self, value: f32) -> Var<'g> {
        self.compare("Greater", self.tape.scalar(value))
    }

    /// The mask of `self < value`.
    pub fn lt(self, value: f32) -> Var<'g> {
        self.compare("Less", self.tape.scalar(value))
    }

    /// The mask of `self == other`.
    pub fn equals(self, other: Var<'g>) -> Var<'g> {
        self.compare("Equal", other)
    }

    /// Of a mask: `yes` where it is true, else `no`.
    pub fn select(self, yes: Var<'g>, no: Var<'g>) -> Var<'g> {
        let shape = broadcast(&self.shape(), &yes.shape()).and_then(|s| broadcast(&s, &no.shape()));
        let shape = shape.unwrap_or_else(|| {
            self.tape.shape_error("Where cannot broadcast the shapes of its arguments");
            self.shape()
        });
        self.emit("Where", &[Some(self), Some(yes), Some(no)], &[], shape)
    }

    /// Of a mask: `x` where it is true, else zero.
    pub fn keep(self, x: Var<'g>) -> Var<'g> {
        self.select(x, self.tape.scalar(0.0))
    }

    /// Of a mask: 1 where it is true, else 0.
    pub fn to_float(self) -> Var<'g> {
        self.emit("Cast", &[Some(self)], &[("to", Attribute::Int(DType::F32 as i64))], self.shape())
    }

    /// The step function: 1 where self > 0, else 0. It is a steep `HardSigmoid`: multiplying by it
    /// is many times faster, on every engine, than a comparison and `Where`. It is exact down to
    /// self = 2^-127, which is below all normal numbers.
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

    /// The sign: -1, 0 or 1. (It is composed of comparisons, as rten's `Sign` of 0 is 1.)
    pub fn sign(self) -> Var<'g> {
        self.gt(0.0).to_float() - self.lt(0.0).to_float()
    }

    /// The logistic function, 1 / (1 + e^-self).
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
