//! Gives workers to the requests that wait, in turns between clients.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot::{Receiver, Sender, channel};

use crate::work::connections::Client;

#[cfg(test)]
mod tests;

/// The workers, and the requests that wait for one.
///
/// A turn goes to the client that has fewest requests in work, late ones among them; of several, to the one whose
/// requests have taken least time so far, and of equal ones, to the one whose last turn was longest ago. A client's own
/// requests are begun in the order in which they came. Besides the workers for all there is one more, for a client that
/// has no request in work, so that no client has them all.
///
/// A request that nobody waits for any more is late: it gives its worker back though its work has not ended, unless as
/// many late requests as there are workers for all have not ended either.
pub(crate) struct Turns(Mutex<Schedule>);

/// A request's turn, which lasts until this is dropped: when its work has really ended.
pub(crate) struct Turn {
    number: u64,
    begun: Instant,
    turns: Arc<Turns>,
}

/// Declares a request late when this is dropped, if its work has not ended.
pub(crate) struct LateOnDrop {
    number: u64,
    turns: Arc<Turns>,
}

struct Schedule {
    /// The workers for all; there is one more for a client that has no request in work.
    workers: usize,
    accounts: HashMap<Option<Client>, Account>,
    /// The requests whose work has begun and not ended, by their numbers.
    begun: HashMap<u64, Begun>,
    /// Counts what happens, so that it has an order.
    events: u64,
    /// The time that clients had taken when they got their turn, at most. One that comes new begins there: it has no claim
    /// to the time that others have had while it was away.
    level: Duration,
}

/// A client, as long as it has requests, or has had more time than others.
struct Account {
    waiting: VecDeque<Sender<Turn>>,
    /// The time that its requests have taken.
    taken: Duration,
    /// The event by which it got its last turn, or came new.
    last: u64,
}

/// A request whose work has begun. There is no client in tests without connections.
struct Begun {
    client: Option<Client>,
    late: bool,
}

/// The most clients without requests whose time is remembered.
const REMEMBERED: usize = 1000;

impl Turns {
    pub(crate) fn new(workers: usize) -> Arc<Turns> {
        let schedule = Schedule {
            workers,
            accounts: HashMap::new(),
            begun: HashMap::new(),
            events: 0,
            level: Duration::ZERO,
        };
        Arc::new(Turns(Mutex::new(schedule)))
    }

    /// How many requests hold a worker.
    pub(crate) fn in_work(&self) -> usize {
        self.schedule().in_work()
    }

    /// How many requests have begun and not ended, late ones among them.
    #[cfg(test)]
    pub(crate) fn begun(&self) -> usize {
        self.schedule().begun.len()
    }

    /// Waits for a turn. Whoever drops what is returned waits no longer.
    pub(crate) fn wait(self: &Arc<Self>, client: Option<Client>) -> Receiver<Turn> {
        let (sender, receiver) = channel();
        self.schedule().wait(client, sender);
        self.give();
        receiver
    }

    /// Gives workers to requests that wait, as long as there are any.
    fn give(self: &Arc<Self>) {
        loop {
            let next = self.schedule().next();
            let Some((number, waiting)) = next else { return };
            // If the request has left meanwhile, its turn ends as it is dropped here.
            let _ = waiting.send(Turn { number, begun: Instant::now(), turns: self.clone() });
        }
    }

    fn end(self: &Arc<Self>, number: u64, time: Duration) {
        self.schedule().end(number, time);
        self.give();
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Schedule {
    fn wait(&mut self, client: Option<Client>, request: Sender<Turn>) {
        self.events += 1;
        let new = Account { waiting: VecDeque::new(), taken: self.level, last: self.events };
        let account = self.accounts.entry(client).or_insert(new);
        account.taken = account.taken.max(self.level);
        // Those that have left do not pile up.
        account.waiting.retain(|request| !request.is_closed());
        account.waiting.push_back(request);
    }

    /// Begins the next request, if there is a worker for it.
    fn next(&mut self) -> Option<(u64, Sender<Turn>)> {
        let free = (self.workers + 1).saturating_sub(self.in_work());
        for account in self.accounts.values_mut() {
            account.waiting.retain(|request| !request.is_closed());
        }
        let waiting = self.accounts.iter().filter(|(_, account)| !account.waiting.is_empty());
        let ranked = waiting.map(|(client, account)| {
            ((self.begun_of(*client), account.taken, account.last), *client)
        });
        let ((begun, ..), client) = ranked.min_by_key(|(rank, _)| *rank)?;
        // The last worker is for clients that have none.
        if free == 0 || (free == 1 && begun > 0) {
            return None;
        }
        self.events += 1;
        let account = self.accounts.get_mut(&client)?;
        let request = account.waiting.pop_front()?;
        account.last = self.events;
        self.level = self.level.max(account.taken);
        self.begun.insert(self.events, Begun { client, late: false });
        Some((self.events, request))
    }

    /// Ends a request that has taken so much time.
    fn end(&mut self, number: u64, time: Duration) {
        let Some(Begun { client, .. }) = self.begun.remove(&number) else { return };
        let new = Account { waiting: VecDeque::new(), taken: self.level, last: number };
        self.accounts.entry(client).or_insert(new).taken += time;
        self.forget();
    }

    /// Drops the accounts of clients without requests that have not had more time than others; all of them if there are
    /// too many, or nobody waits.
    fn forget(&mut self) {
        let idle = self.begun.is_empty() && self.accounts.values().all(|a| a.waiting.is_empty());
        let all = idle || self.accounts.len() > REMEMBERED + self.begun.len();
        let (level, begun) = (self.level, &self.begun);
        self.accounts.retain(|client, account| {
            let has_requests =
                !account.waiting.is_empty() || begun.values().any(|b| b.client == *client);
            has_requests || (!all && account.taken > level)
        });
    }

    /// How many requests hold a worker: of the late ones, those that are too many.
    fn in_work(&self) -> usize {
        let late = self.begun.values().filter(|begun| begun.late).count();
        self.begun.len() - late.min(self.workers)
    }

    /// How many requests of a client have begun, late ones among them: who leaves has no more workers for it.
    fn begun_of(&self, client: Option<Client>) -> usize {
        self.begun.values().filter(|begun| begun.client == client).count()
    }
}

impl Turn {
    /// Declares the request late when the returned value is dropped: when nobody waits for its work any more.
    pub(crate) fn late_on_drop(&self) -> LateOnDrop {
        LateOnDrop { number: self.number, turns: self.turns.clone() }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.end(self.number, self.begun.elapsed());
    }
}

impl Drop for LateOnDrop {
    fn drop(&mut self) {
        if let Some(begun) = self.turns.schedule().begun.get_mut(&self.number) {
            begun.late = true;
        }
        self.turns.give();
    }
}
