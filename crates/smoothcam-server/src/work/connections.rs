//! Lists the open connections, and chooses which of them makes room for another.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;

/// The open connections, of which there are so many at most, and so many of one client.
///
/// There is room for every new connection as long as one can be cut off: one whose client sends nothing, only a part of
/// a request's head, or a body that has not arrived yet; or one that is taking a short answer. The one that has been in
/// such a state for longest is cut off. A connection whose request is in the queue is never cut off.
pub(crate) struct Connections {
    list: Mutex<List>,
    /// A permit for each connection.
    room: Arc<Semaphore>,
    most: usize,
    most_of_client: usize,
}

/// Whom a connection belongs to: an IPv4 address, or a network of 64 bits of IPv6 addresses, which one client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

#[derive(Default)]
struct List {
    entries: HashMap<u64, Entry>,
    /// Counts changes: the number of a change says which of two came first, on machines of any speed.
    changes: u64,
}

struct Entry {
    client: Client,
    phase: Phase,
    /// The number of the change since which it has been in this phase.
    since: u64,
    signals: Arc<Signals>,
}

/// What a connection waits for. Those that come first are cut off first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// The next request, or the rest of its head.
    Idle,
    /// The body of a request, or the client, which takes a short answer.
    Asking,
    /// A request in the queue, its work, or the client, which takes the answer.
    Admitted,
}

/// What a connection's task waits for.
#[derive(Default)]
struct Signals {
    cut: Notify,
    admitted: Notify,
}

/// A connection's place in the list, which is given back when this is dropped.
pub(crate) struct Place {
    pub(crate) connection: Connection,
    _room: OwnedSemaphorePermit,
}

/// A connection in the list, as its requests see it.
#[derive(Clone)]
pub(crate) struct Connection {
    id: u64,
    pub(crate) client: Client,
    signals: Arc<Signals>,
    all: Arc<Connections>,
}

impl Client {
    pub(crate) fn new(address: IpAddr) -> Client {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Client(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            v4 => Client(v4),
        }
    }
}

impl Connections {
    /// A list of so many connections as are allowed, or as `files`, the process's limit of open files, has room for.
    pub(crate) fn new(limits: &Limits, files: Option<usize>) -> Connections {
        /// Open files of the process that are no connections.
        const OTHERS: usize = 64;
        let room = files.map_or(usize::MAX, |files| files.saturating_sub(OTHERS).max(1));
        let most = limits.connections.min(room).min(Semaphore::MAX_PERMITS);
        Connections {
            list: Mutex::default(),
            room: Arc::new(Semaphore::new(most)),
            most,
            most_of_client: limits.client_connections,
        }
    }

    /// How many connections are open.
    pub(crate) fn len(&self) -> usize {
        self.most - self.room.available_permits()
    }

    /// Takes a place for a new connection, for which another is cut off if there is no room. Waits only while every
    /// connection has a request in the queue.
    pub(crate) async fn open(self: &Arc<Self>, client: Client) -> Place {
        if self.list().of(client) >= self.most_of_client {
            self.list().cut_oldest(Some(client));
        }
        let room = match self.room.clone().try_acquire_owned() {
            Ok(room) => room,
            Err(_) => {
                self.make_room();
                // The semaphore is never closed.
                let room = self.room.clone().acquire_owned().await;
                room.unwrap_or_else(|_| unreachable!("the list of connections was closed"))
            }
        };
        let signals = Arc::new(Signals::default());
        let mut list = self.list();
        let since = list.change();
        list.entries
            .insert(since, Entry { client, phase: Phase::Idle, since, signals: signals.clone() });
        let connection = Connection { id: since, client, signals, all: self.clone() };
        Place { connection, _room: room }
    }

    /// Cuts off a connection of the client that has most of those that can be.
    pub(crate) fn make_room(&self) {
        self.list().cut_oldest(None);
    }

    /// Cuts off all connections that have no request: nothing will be lost.
    pub(crate) fn cut_idle(&self) {
        self.list().entries.retain(|_, entry| {
            let idle = entry.phase == Phase::Idle;
            if idle {
                entry.signals.cut.notify_one();
            }
            !idle
        });
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn of(&self, client: Client) -> usize {
        self.entries.values().filter(|entry| entry.client == client).count()
    }

    fn change(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }

    /// Cuts off one connection of a client, or of the one that has most: it leaves the list at once, and its place when
    /// its task has ended.
    fn cut_oldest(&mut self, client: Option<Client>) {
        let mut of_client: HashMap<Client, (usize, (Phase, u64), u64)> = HashMap::new();
        let chosen = |entry: &Entry| client.is_none_or(|client| client == entry.client);
        for (&id, entry) in &self.entries {
            if entry.phase == Phase::Admitted || !chosen(entry) {
                continue;
            }
            let age = (entry.phase, entry.since);
            let (count, oldest, its_id) = of_client.entry(entry.client).or_insert((0, age, id));
            *count += 1;
            if age < *oldest {
                (*oldest, *its_id) = (age, id);
            }
        }
        let most =
            of_client.values().max_by_key(|(count, age, _)| (*count, std::cmp::Reverse(*age)));
        if let Some(entry) = most.and_then(|(_, _, id)| self.entries.remove(id)) {
            entry.signals.cut.notify_one();
        }
    }
}

impl Connection {
    /// A request has arrived: its head, not yet its body.
    pub(crate) fn asks(&self) {
        self.enter(Phase::Asking);
    }

    /// Whether a request of this connection is in the queue.
    pub(crate) fn is_admitted(&self) -> bool {
        self.all.list().entries.get(&self.id).is_some_and(|e| e.phase == Phase::Admitted)
    }

    /// How many requests of the same client are in the queue.
    pub(crate) fn admitted_of_client(&self) -> usize {
        let list = self.all.list();
        let of_client = list.entries.values().filter(|entry| entry.client == self.client);
        of_client.filter(|entry| entry.phase == Phase::Admitted).count()
    }

    /// The request is in the queue now: the connection stays until it has been answered.
    pub(crate) fn admit(&self) {
        self.enter(Phase::Admitted);
        self.signals.admitted.notify_one();
    }

    /// The request has been answered.
    pub(crate) fn is_answered(&self) {
        self.enter(Phase::Idle);
    }

    /// Waits until the connection shall be cut off.
    pub(crate) async fn cut(&self) {
        self.signals.cut.notified().await;
    }

    /// Waits until a request has been admitted.
    pub(crate) async fn admitted(&self) {
        self.signals.admitted.notified().await;
    }

    fn enter(&self, phase: Phase) {
        let mut list = self.all.list();
        let since = list.change();
        // It is not in the list any more if it is being cut off.
        if let Some(entry) = list.entries.get_mut(&self.id) {
            (entry.phase, entry.since) = (phase, since);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Connection { id, all, .. } = &self.connection;
        all.list().entries.remove(id);
    }
}
