//! Lists the bodies that are arriving, and chooses which of them makes room for another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::rejection::Rejection;
use crate::work::connections::Client;
use crate::work::memory::Held;
use crate::work::queue::Queue;

/// The bodies that are arriving.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<List>);

#[derive(Default)]
struct List {
    entries: HashMap<u64, Entry>,
    /// The number of uploads so far: the number of an upload says which of two began first.
    begun: u64,
}

struct Entry {
    /// Whose body it is; `None` where there is no connection (tests).
    client: Option<Client>,
    begun: Instant,
    /// The bytes that have arrived.
    bytes: usize,
    signals: Arc<Signals>,
}

#[derive(Default)]
struct Signals {
    cut: Notify,
    ended: Notify,
}

/// A body that is arriving, and its memory; it leaves the list when this is dropped.
pub(crate) struct Upload {
    id: u64,
    client: Option<Client>,
    memory: Held,
    signals: Arc<Signals>,
    all: Arc<Uploads>,
}

impl Uploads {
    /// Lists a body that begins to arrive, which has no memory yet.
    pub(crate) fn begin(self: &Arc<Self>, client: Option<Client>, memory: Held) -> Upload {
        let mut list = self.list();
        list.begun += 1;
        let (id, signals) = (list.begun, Arc::new(Signals::default()));
        let entry = Entry { client, begun: Instant::now(), bytes: 0, signals: signals.clone() };
        list.entries.insert(id, entry);
        Upload { id, client, memory, signals, all: self.clone() }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload {
    /// Takes memory for so many more bytes, for which other uploads are cut off if there is not enough.
    ///
    /// # Errors
    /// If there is not enough, and no other upload can be cut off.
    pub(crate) async fn take(
        &mut self,
        bytes: usize,
        queue: &Queue,
        grace: Duration,
    ) -> Result<(), Rejection> {
        while let Err(refusal) = queue.reserve(&mut self.memory, bytes) {
            let other = self.cut_other(bytes, grace).ok_or(refusal)?;
            other.ended.notified().await;
        }
        if let Some(entry) = self.all.list().entries.get_mut(&self.id) {
            entry.bytes += bytes;
        }
        Ok(())
    }

    /// Waits until this upload shall be cut off.
    pub(crate) fn cut(&self) -> impl Future<Output = ()> + Send + use<> {
        let signals = self.signals.clone();
        async move { signals.cut.notified().await }
    }

    /// The memory of the body, which has arrived.
    pub(crate) fn finish(mut self, queue: &Queue) -> Held {
        std::mem::replace(&mut self.memory, queue.empty_body())
    }

    /// Cuts off another upload, so that this one gets `bytes`: the oldest of the client whose uploads hold most, or, if
    /// that is this one's, the oldest that has lasted for `grace`.
    fn cut_other(&self, bytes: usize, grace: Duration) -> Option<Arc<Signals>> {
        let mut list = self.all.list();
        let mut held: HashMap<Option<Client>, usize> = HashMap::new();
        for entry in list.entries.values() {
            *held.entry(entry.client).or_default() += entry.bytes;
        }
        let own = held.get(&self.client).copied().unwrap_or(0) + bytes;
        let most = held.into_iter().filter(|(client, held)| *client != self.client && *held > own);
        let client = most.max_by_key(|(_, held)| *held).map(|(client, _)| client);
        let of_others = client.is_some();
        let client = client.unwrap_or(self.client);
        let can_be_cut = |(id, entry): &(&u64, &Entry)| {
            let late = of_others || entry.begun.elapsed() >= grace;
            entry.client == client && entry.bytes > 0 && **id != self.id && late
        };
        let oldest = list.entries.iter().filter(can_be_cut).map(|(id, _)| *id).min();
        let entry = list.entries.remove(&oldest?)?;
        entry.signals.cut.notify_one();
        Some(entry.signals)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.memory.shrink_to(0);
        self.all.list().entries.remove(&self.id);
        self.signals.ended.notify_one();
    }
}
