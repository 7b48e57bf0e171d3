//! What is written as several nodes keeps its values and its gradient.

use crate::testing::{Case, case};

/// Checks what a levelled node makes of its first input.
#[track_caller]
fn check(case: &Case, x: &[f32], y: &[f32]) {
    let found = case.values(&[x]);
    let close = |(f, y): (&f32, &f32)| (f - y).abs() <= 1e-5 * y.abs().max(1.0);
    assert!(found.len() == y.len() && found.iter().zip(y).all(close), "{found:?}");
}

#[test]
fn training_takes_the_statistics_of_what_it_is_given() {
    let batch = |x: &[usize]| {
        let c = &x[1..2];
        let affine = case("BatchNormalization").x(x).fixed(c, 0.5, 2.0).fixed(c, -1.0, 1.0);
        let running = affine.fixed(c, -1.0, 1.0).fixed(c, 0.2, 2.0);
        running.int("training_mode", 1).float("epsilon", 0.01).levelled()
    };
    batch(&[2, 3, 4, 5]).check();
    batch(&[1, 3, 7]).check();
    batch(&[5, 2]).check();

    let vector = |c: Case, v: &[f32]| c.const_floats(v);
    let two = [[2.0, 3.0], [1.0, -1.0], [9.0, 9.0], [9.0, 9.0]];
    let two = two.iter().fold(case("BatchNormalization").x(&[2, 2, 2]), |c, v| vector(c, v));
    let two = two.int("training_mode", 1).float("epsilon", 0.25).levelled();
    // The channels hold 0, 1, 0, 1 and 1, 3, 5, 3: means 0.5 and 3, biased variances 0.25 and 2.
    let (a, b) = (1.0 / 0.5f32.sqrt(), 6.0 / 2.25f32.sqrt());
    let y = [1.0 - a, 1.0 + a, -1.0 - b, -1.0, 1.0 - a, 1.0 + a, -1.0 + b, -1.0];
    check(&two, &[0.0, 1.0, 1.0, 3.0, 0.0, 1.0, 5.0, 3.0], &y);
}

#[test]
fn convolutions_over_three_axes_may_be_ones_over_two() {
    let conv = |x: &[usize], w: &[usize]| case("Conv").x(x).fixed(w, -1.0, 1.0).linear().levelled();
    conv(&[2, 2, 4, 5, 3], &[3, 2, 3, 3, 1]).ints("pads", &[1, 1, 0, 1, 1, 0]).check();
    conv(&[2, 4, 4, 3, 5], &[2, 2, 2, 1, 3]).int("group", 2).ints("strides", &[2, 1, 1]).check();
    let same = conv(&[1, 2, 3, 4, 5], &[3, 2, 1, 2, 3]).fixed(&[3], -1.0, 1.0);
    same.string("auto_pad", "SAME_UPPER").ints("dilations", &[4, 1, 2]).check();

    // Each of the planes by itself: x(d, h, w) + 10 x(d, h, w + 1).
    let w = crate::Tensor::from_f32s(&[1, 1, 1, 1, 2], &[1.0, 10.0]).unwrap();
    let x: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let y: Vec<f32> = [0, 1, 3, 4, 6, 7, 9, 10].iter().map(|i| (11 * i + 10) as f32).collect();
    check(&case("Conv").x(&[1, 1, 2, 2, 3]).constant(w).levelled(), &x, &y);
}
