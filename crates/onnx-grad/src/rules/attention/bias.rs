//! Says which positions an attention attends to, by what is added to its scores.

use crate::error::Result;
use crate::rules::NodeView;
use crate::tape::Var;
use crate::tensor::{DType, Tensor};

/// The most elements that a mask may have which is written as a constant.
const LARGEST_MASK: usize = 1 << 24;

/// What is added to scores: minus infinity where a position must not be attended to.
pub(super) struct Bias<'g> {
    pub(super) summand: Var<'g>,
    /// Whether there may be queries that must not attend to any position.
    pub(super) may_mask_all: bool,
}

impl<'g> Bias<'g> {
    /// The bias that a mask of floats is.
    pub(super) fn of_floats(mask: Var<'g>) -> Self {
        let floats = mask.tape.read(|g| g.content(mask.id()).and_then(Tensor::to_f32s));
        let row = mask.shape().last().copied().unwrap_or(1).max(1);
        let some = |row: &[f32]| row.iter().any(|x| *x != f32::NEG_INFINITY);
        let may_mask_all = floats.is_none_or(|floats| !floats.chunks(row).all(some));
        Self { summand: mask, may_mask_all }
    }

    /// The bias of a standard node with so many queries and keys, of which `past` come before the
    /// queries: its mask, which may lack the last keys, and what its attributes say.
    pub(super) fn of_node(
        n: &NodeView<'g>,
        queries: usize,
        keys: usize,
        past: usize,
    ) -> Result<Option<Self>> {
        let given = n.optional(3).map(|mask| {
            let (summand, rank) = (as_summand(n, mask), mask.rank());
            let (before, mut after) = (vec![0; rank], vec![0; rank]);
            if let (Some(last), Some(size)) = (after.last_mut(), mask.shape().last()) {
                *last = keys.saturating_sub(*size);
            }
            Self::of_floats(summand.pad(&before, &after, f32::NEG_INFINITY))
        });
        let frame = Frame::of(n, queries, keys, past)?;
        Ok(match (given, frame.bias(n)?) {
            (Some(given), Some(frame)) => {
                Some(Self { summand: given.summand + frame.summand, may_mask_all: true })
            }
            (given, frame) => given.or(frame),
        })
    }
}

/// The positions that queries may attend to by their distance, and by how many keys there are.
struct Frame {
    queries: usize,
    keys: usize,
    /// For each sample, or for all: the position of the first query among the keys.
    offsets: Vec<i64>,
    /// The number of keys of each sample, if it is not the same for all.
    lengths: Option<Vec<i64>>,
    /// How far back, and how far ahead a query may attend.
    back: Option<i64>,
    ahead: Option<i64>,
}

impl Frame {
    fn of(n: &NodeView<'_>, queries: usize, keys: usize, past: usize) -> Result<Self> {
        let lengths = n.const_ints(6)?;
        let offsets = match &lengths {
            Some(lengths) if past == 0 => {
                lengths.iter().map(|length| length.saturating_sub(queries as i64)).collect()
            }
            _ => vec![past as i64],
        };
        let window = |name| Some(n.int(name, -1)).filter(|size| *size >= 0);
        let mut ahead = window("right_window_size");
        if n.int("is_causal", 0) != 0 {
            ahead = Some(0);
        }
        Ok(Self { queries, keys, offsets, lengths, back: window("left_window_size"), ahead })
    }

    fn allows(&self, sample: usize, query: usize, key: usize) -> bool {
        let of_sample = |list: &[i64]| list.get(sample).or(list.first()).copied();
        let distance = (key as i64)
            .saturating_sub(query as i64)
            .saturating_sub(of_sample(&self.offsets).unwrap_or(0));
        let length = self.lengths.as_deref().and_then(of_sample);
        length.is_none_or(|length| (key as i64) < length)
            && self.back.is_none_or(|back| distance >= -back)
            && self.ahead.is_none_or(|ahead| distance <= ahead)
    }

    /// The bias; `None` if all queries may attend to all positions.
    fn bias<'g>(&self, n: &NodeView<'g>) -> Result<Option<Bias<'g>>> {
        let (queries, keys) = (self.queries, self.keys);
        if self.lengths.is_none() && self.back.is_none() && self.ahead.is_none() {
            return Ok(None);
        }
        let samples = self.lengths.as_ref().map_or(1, Vec::len);
        let size = queries.saturating_mul(keys).saturating_mul(samples);
        if size > LARGEST_MASK {
            let what = format!("a mask of {samples} times {queries} by {keys} is too large");
            return Err(n.unsupported(what));
        }
        let mut mask = Vec::with_capacity(size);
        for (sample, query) in (0..samples).flat_map(|s| (0..queries).map(move |q| (s, q))) {
            let allowed =
                |key| if self.allows(sample, query, key) { 0.0 } else { f32::NEG_INFINITY };
            mask.extend((0..keys).map(allowed));
        }
        let tensor = Tensor::from_f32s(&[samples, 1, queries, keys], &mask);
        let mask = tensor.ok_or_else(|| n.unsupported("its mask has no size"))?;
        Ok(Some(Bias::of_floats(n.tape().constant(mask))))
    }
}

/// A mask as what is added to the scores: 0 or minus infinity in place of true or false.
fn as_summand<'g>(n: &NodeView<'g>, mask: Var<'g>) -> Var<'g> {
    let is_bool = n.tape().read(|g| {
        let value = g.value(mask.id());
        let op = value.producer.map(|p| g.node(p).op.as_str());
        value.dtype == Some(DType::Bool)
            || op.is_some_and(|op| {
                let compares = op.starts_with("Greater") || op.starts_with("Less");
                compares || matches!(op, "And" | "Equal" | "Not" | "Or" | "Xor")
            })
    });
    let nothing = n.tape().scalar(f32::NEG_INFINITY);
    if is_bool { mask.select(n.tape().scalar(0.0), nothing) } else { mask }
}
