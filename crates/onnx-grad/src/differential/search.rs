//! Searches for differences: draws cases, and simplifies those that differ.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::any;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use super::compare::{Outcome, Tolerance, compare};
use super::draw::Draw;
use crate::testing::{Case, Engine};

/// An operator, and how a case of it is drawn.
pub(super) type Operator = (&'static str, fn(&'static str, &mut Draw) -> Case);

/// The cases of each operator, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 12;

/// Searches the cases of these operators for differences.
///
/// # Panics
/// With the simplest case of each operator for which there is one.
pub(super) fn search(tolerance: Tolerance, operators: &[Operator]) {
    if !Engine::OnnxRuntime.is_there() {
        eprintln!("skipped, as ORT_DYLIB_PATH does not say where ONNX Runtime is");
        return;
    }
    let config = proptest::test_runner::contextualize_config(Config {
        cases: CASES,
        rng_seed: RngSeed::Fixed(0),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    });
    let mut differences = String::new();
    for (op, draw) in operators {
        let reasons = RefCell::new(BTreeMap::<String, usize>::new());
        let choices = proptest::collection::vec(any::<u32>(), Draw::CHOICES);
        let found = TestRunner::new(config.clone()).run(&choices, |choices| {
            let outcome = compare(&draw(op, &mut Draw::new(choices)), tolerance);
            let reason = match outcome.map_err(TestCaseError::fail)? {
                Outcome::Same => "same".into(),
                Outcome::Invalid(e) => kind(&format!("no reference: {e}")),
                Outcome::Refused(e) => kind(&format!("refused: {e}")),
            };
            *reasons.borrow_mut().entry(reason).or_default() += 1;
            Ok(())
        });
        for (reason, count) in reasons.into_inner() {
            eprintln!("{op}: {count} {reason}");
        }
        match found {
            Ok(()) => {}
            Err(TestError::Fail(difference, _)) => differences += &format!("{op}: {difference}\n"),
            Err(other) => differences += &format!("{op}: {other}\n"),
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// A message without numbers, and without what follows its first 160 letters.
fn kind(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let words = line.split(|c: char| c.is_ascii_digit()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("#").chars().take(160).collect()
}
