//! Draws what a case is made of: sizes, options and numbers.

use crate::tensor::{DType, Tensor};
use crate::testing::{Case, Random};

/// What numbers tensors are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Between -2 and 2.
    Plain,
    /// Integers from -2 to 2, which are often equal.
    Ties,
    /// A few of them zero of either sign, denormal or infinite.
    Infinite,
    /// A few of them as in `Infinite`, or NaN.
    Special,
    /// A few of them as in `Special`, or close to the smallest or largest of floats.
    Extreme,
}

const SPECIAL: &[f32] =
    &[0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, 1e-40, -1e-40, 1.0, -1.0, f32::NAN];
const EXTREME: &[f32] =
    &[1e38, -1e38, f32::MIN_POSITIVE, 1e-45, 1e30, -1e30, 1e19, 3e9, 88.0, -104.0, 0.5, 2.5, -1.5];

/// Choices at random. Where a choice is 0, the case is at its simplest.
pub(super) struct Draw {
    choices: Vec<u32>,
    next: usize,
}

impl Draw {
    /// The number of choices that are enough for any case.
    pub(super) const CHOICES: usize = 96;

    pub(super) fn new(choices: Vec<u32>) -> Self {
        Self { choices, next: 0 }
    }

    fn choice(&mut self) -> u32 {
        self.next += 1;
        self.choices.get(self.next - 1).copied().unwrap_or(0)
    }

    /// A number below this one.
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((u64::from(self.choice()) * end as u64) >> 32) as usize
    }

    /// A number from `low` to `high`.
    pub(super) fn int(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as usize) as i64
    }

    /// One of these; the first is the simplest.
    pub(super) fn of<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    pub(super) fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    /// Whether to do what is done in one of so many cases.
    pub(super) fn rarely(&mut self, of: usize) -> bool {
        self.below(of) == of - 1
    }

    /// `count` numbers from `low` to `high`.
    pub(super) fn list(&mut self, count: usize, low: i64, high: i64) -> Vec<i64> {
        (0..count).map(|_| self.int(low, high)).collect()
    }

    /// A size from 1 to 5, or rarely 0.
    pub(super) fn size(&mut self) -> usize {
        if self.rarely(32) { 0 } else { self.int(1, 5) as usize }
    }

    /// A shape of `low` to `high` axes.
    pub(super) fn shape(&mut self, low: usize, high: usize) -> Vec<usize> {
        let rank = self.int(low as i64, high as i64) as usize;
        (0..rank).map(|_| self.size()).collect()
    }

    /// An axis, counted from either end.
    pub(super) fn axis(&mut self, rank: usize) -> i64 {
        let axis = self.below(rank.max(1)) as i64;
        if self.flag() { axis - rank.max(1) as i64 } else { axis }
    }

    /// Some axes in any order, without duplicates, each counted from either end.
    pub(super) fn axes(&mut self, rank: usize) -> Vec<i64> {
        let mut order = self.order(rank);
        order.truncate(self.below(rank + 1));
        order.iter().map(|a| if self.flag() { a - rank as i64 } else { *a }).collect()
    }

    /// The axes in any order.
    pub(super) fn order(&mut self, rank: usize) -> Vec<i64> {
        let mut order: Vec<i64> = (0..rank as i64).collect();
        for i in (1..rank).rev() {
            // Without a change if the choice is 0.
            order.swap(i, i - self.below(i + 1));
        }
        order
    }

    /// Floats of this shape.
    pub(super) fn floats(&mut self, shape: &[usize], numbers: Numbers) -> Tensor {
        let mut random = Random::new(u64::from(self.choice()) + 1);
        let mut uniform = |low: f32, high: f32| low + (high - low) * random.next();
        let data: Vec<f32> = (0..shape.iter().product())
            .map(|_| match numbers {
                Numbers::Ties => uniform(-2.5, 2.5).round() + 0.0,
                Numbers::Plain => uniform(-2.0, 2.0),
                _ if uniform(0.0, 1.0) < 0.2 => {
                    let extreme = numbers == Numbers::Extreme && uniform(0.0, 1.0) < 0.5;
                    let from = match numbers {
                        _ if extreme => EXTREME,
                        Numbers::Infinite => &SPECIAL[..SPECIAL.len() - 1],
                        _ => SPECIAL,
                    };
                    from[uniform(0.0, from.len() as f32) as usize % from.len()]
                }
                _ => uniform(-2.0, 2.0),
            })
            .collect();
        Tensor::from_f32s(shape, &data).unwrap()
    }

    /// Floats of this shape that lie in a range.
    pub(super) fn within(&mut self, shape: &[usize], low: f32, high: f32) -> Tensor {
        let mut random = Random::new(u64::from(self.choice()) + 1);
        let count = shape.iter().product();
        let data: Vec<f32> = (0..count).map(|_| low + (high - low) * random.next()).collect();
        Tensor::from_f32s(shape, &data).unwrap()
    }

    /// Integers of this type and shape from `low` to `high`.
    pub(super) fn integers(
        &mut self,
        dtype: DType,
        shape: &[usize],
        low: i64,
        high: i64,
    ) -> Tensor {
        let mut random = Random::new(u64::from(self.choice()) + 1);
        let data = (0..shape.iter().product())
            .flat_map(|_| {
                let value = low + (f64::from(random.next()) * (high - low + 1) as f64) as i64;
                value.to_le_bytes()[..dtype.size()].to_vec()
            })
            .collect::<Vec<u8>>();
        Tensor::from_bytes(dtype, shape.to_vec(), data.into()).unwrap()
    }

    /// Gives a case this input: as one of the graph, or as a constant.
    pub(super) fn input(&mut self, case: Case, x: Tensor) -> Case {
        if self.rarely(4) { case.constant(x) } else { case.given(x) }
    }

    /// Gives a case this input, as one of the graph or as a constant; or leaves it out.
    pub(super) fn optional(&mut self, case: Case, x: Tensor) -> Case {
        if self.flag() { self.input(case, x) } else { case.missing() }
    }
}

/// A tensor of this type, shape and content.
pub(super) fn integers(dtype: DType, shape: &[usize], data: &[i64]) -> Tensor {
    let bytes: Vec<u8> =
        data.iter().flat_map(|i| i.to_le_bytes()[..dtype.size()].to_vec()).collect();
    Tensor::from_bytes(dtype, shape.to_vec(), bytes.into()).unwrap()
}
