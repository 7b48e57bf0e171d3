//! Says in which opset an operator first has the form that graphs hold.

/// The opset of operators that are not among [`LATER`], or an earlier one.
pub(super) const OLDEST: i64 = 13;

/// The operators that came, or got the form that graphs hold, after opset 13.
const LATER: &[(&str, i64)] = &[
    ("Attention", 23),
    ("Bernoulli", 15),
    ("CastLike", 15),
    ("Gelu", 20),
    ("GridSample", 20),
    ("GroupNormalization", 21),
    ("HardSwish", 14),
    ("LayerNormalization", 17),
    ("Mish", 18),
    ("RMSNormalization", 23),
    ("RotaryEmbedding", 23),
    ("Swish", 24),
    ("Trilu", 14),
];

/// The first opset, 13 or later, that has the operator in the form that graphs hold.
pub(super) fn since(op: &str) -> i64 {
    LATER.iter().find(|(name, _)| *name == op).map_or(OLDEST, |(_, since)| *since)
}
