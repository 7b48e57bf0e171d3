//! Some operators hand on the elements of their input.

/// Operators that hand on the elements of their first input, in their order.
pub(super) const SAME_ELEMENTS: [&str; 9] = [
    "Identity",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Cast",
    "Dropout",
    "QuantizeLinear",
    "DequantizeLinear",
];
