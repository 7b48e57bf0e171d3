//! Lists the explanations that clients can stop by their id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::work::stop::Stop;

/// The explanations that can be stopped, by id; clones share the list.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Mutex<HashMap<String, Stop>>>);

/// An explanation's entry in the list, which is removed when this is dropped.
pub(crate) struct RunningEntry {
    pub(crate) id: String,
    list: Running,
}

impl Running {
    /// Lists an explanation under a new id.
    pub(crate) fn add(&self, stop: Stop) -> RunningEntry {
        let id = Uuid::new_v4().to_string();
        self.entries().insert(id.clone(), stop);
        RunningEntry { id, list: self.clone() }
    }

    /// Stops the explanation of this id; whether there is one.
    pub(crate) fn stop(&self, id: &str) -> bool {
        let entries = self.entries();
        let stop = entries.get(id);
        stop.inspect(|stop| stop.set()).is_some()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Stop>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RunningEntry {
    fn drop(&mut self) {
        self.list.entries().remove(&self.id);
    }
}
