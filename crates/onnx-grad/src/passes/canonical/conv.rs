//! Convolutions, in the form that engines have.

use super::parts::Parts;
use crate::error::Result;
use crate::graph::Attribute;

/// The kernel's shape, left out, is that of the weights.
pub(super) fn explicit_kernel(mut parts: Parts<'_>) -> Parts<'_> {
    let Some([_, _, kernel @ ..]) = parts.stored_shape(1) else { return parts };
    let kernel: Vec<i64> = kernel.iter().map(|k| *k as i64).collect();
    let ones = vec![1; kernel.len()];
    for (name, default) in [("kernel_shape", &kernel), ("strides", &ones), ("dilations", &ones)] {
        if parts.node.attribute(name).is_none() {
            parts.set_attribute(name, Attribute::Ints(default.clone()));
        }
    }
    parts
}

/// Over three axes, of which the kernel spans but two, it goes over two: the third is one more of
/// batches. (rten has no convolution and no pooling over three.)
pub(super) fn fewer_axes(mut parts: Parts<'_>) -> Result<()> {
    let ints = |name, length: usize, default| match parts.node.attribute(name) {
        Some(Attribute::Ints(given)) => given.clone(),
        _ => vec![default; length],
    };
    let kernel = ints("kernel_shape", 0, 1);
    let (strides, pads) = (ints("strides", 3, 1), ints("pads", 6, 0));
    let dilations = ints("dilations", 3, 1);
    let lists = [&kernel, &strides, &dilations];
    let places = parts.node.outputs.len() > 1;
    if lists.iter().any(|list| list.len() != 3) || pads.len() != 6 || places {
        return Ok(());
    }
    let idle = |i: &usize| (kernel[*i], strides[*i], pads[*i], pads[*i + 3]) == (1, 1, 0, 0);
    // The last, if there are several: it takes the least moving of elements.
    let Some(idle) = (0..3).rev().find(idle) else { return Ok(()) };
    let without = |value: &Attribute| match value {
        Attribute::Ints(list) => {
            let kept = list.iter().enumerate().filter(|(i, _)| i % 3 != idle);
            Attribute::Ints(kept.map(|(_, x)| *x).collect())
        }
        other => other.clone(),
    };
    let op = parts.node.op.clone();
    let attributes: Vec<(String, Attribute)> =
        parts.node.attributes.iter().map(|(name, value)| (name.clone(), without(value))).collect();
    let attributes: Vec<(&str, Attribute)> =
        attributes.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();

    let (idle, x) = (idle as i64 + 2, parts.x(0)?);
    // The axes with the idle one after the batch, and back from there.
    let there: Vec<i64> = [0, idle].into_iter().chain((1..5).filter(|a| *a != idle)).collect();
    let back = (0..5).map(|axis| there.iter().position(|a| *a == axis).unwrap_or(0) as i64);
    let (back, there) = (Attribute::Ints(back.collect()), Attribute::Ints(there));
    let [first, one, two, end] = [0, 1, 2, 5].map(|i| parts.ints(&[i]));
    let any = parts.ints(&[-1]);

    let turned = parts.op("Transpose", &[x], &[("perm", there)]);
    let shape = parts.op("Shape", &[turned], &[]);
    let rest = parts.op("Slice", &[shape, two, end], &[]);
    let joined = parts.op("Concat", &[any, rest], &super::parts::axis(0));
    let mut inputs = vec![parts.op("Reshape", &[turned, joined], &[])];
    if let Some(w) = parts.optional(1) {
        let at = parts.ints(&[idle]);
        inputs.push(parts.op("Squeeze", &[w, at], &[]));
    }
    inputs.extend(parts.optional(2));
    let y = parts.op(&op, &inputs, &attributes);
    let rest = parts.op("Shape", &[y], &[]);
    let rest = parts.op("Slice", &[rest, one, end], &[]);
    let batches = parts.op("Slice", &[shape, first, two], &[]);
    let parted = parts.op("Concat", &[batches, rest], &super::parts::axis(0));
    let y = parts.op("Reshape", &[y, parted], &[]);
    parts.last("Transpose", &[y], &[("perm", back)]);
    Ok(())
}

/// An output that is wanted of this shape is cut out of the whole: what is too much goes to both
/// sides alike, or at the beginning if it is odd, with `SAME_UPPER` at the end. (rten has no
/// `output_shape`.)
pub(super) fn cut_to_shape(mut parts: Parts<'_>) -> Result<()> {
    let Some(Attribute::Ints(wanted)) = parts.node.attribute("output_shape").cloned() else {
        return Ok(());
    };
    let upper =
        matches!(parts.node.attribute("auto_pad"), Some(Attribute::String(s)) if s == "SAME_UPPER");
    let spatial: Vec<i64> = (2..wanted.len() as i64 + 2).collect();
    let (axes, wanted) = (parts.ints(&spatial), parts.ints(&wanted));
    let [one, two, end] = [1, 2, i64::MAX].map(|i| parts.ints(&[i]));
    for name in ["auto_pad", "output_shape", "pads"] {
        parts.node.take_attribute(name);
    }
    let inputs = parts.node.inputs.clone();
    let whole = parts.again(inputs);
    let shape = parts.op("Shape", &[whole], &[]);
    let shape = parts.op("Slice", &[shape, two, end], &[]);
    let mut surplus = parts.op("Sub", &[shape, wanted], &[]);
    if !upper {
        surplus = parts.op("Add", &[surplus, one], &[]);
    }
    let begins = parts.op("Div", &[surplus, two], &[]);
    let ends = parts.op("Add", &[begins, wanted], &[]);
    parts.last("Slice", &[whole, begins, ends, axes], &[]);
    Ok(())
}
