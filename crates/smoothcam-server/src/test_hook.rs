//! Lets tests act after each pass of an explanation: hold it up until it is stopped, or panic.

use std::sync::OnceLock;

use crate::work::stop::Stop;

/// What a test does after each pass, given the number of passes that are done.
type AfterPass = Box<dyn Fn(usize, &Stop) + Send + Sync>;

/// What a test does after each pass of an explanation: nothing until it is set.
#[derive(Default)]
pub(crate) struct TestHook(OnceLock<AfterPass>);

impl TestHook {
    /// Sets what is done, once.
    pub(crate) fn set(&self, after_pass: impl Fn(usize, &Stop) + Send + Sync + 'static) {
        assert!(self.0.set(Box::new(after_pass)).is_ok(), "the hook is set already");
    }

    pub(crate) fn after_pass(&self, done: usize, stop: &Stop) {
        if let Some(after_pass) = self.0.get() {
            after_pass(done, stop);
        }
    }
}
