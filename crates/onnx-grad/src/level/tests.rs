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
