//! Gives workers to the requests that wait, in turns between clients.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot::{Receiver, Sender, channel};

use crate::work::connections::Client;

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests of clients that are called by a letter. Their time is what the test says.
    struct Requests {
        turns: Arc<Turns>,
        waiting: Vec<(char, Receiver<Turn>)>,
        in_work: VecDeque<(char, Turn)>,
    }

    impl Requests {
        fn new(workers: usize) -> Requests {
            Requests { turns: Turns::new(workers), waiting: Vec::new(), in_work: VecDeque::new() }
        }

        /// A request for each letter.
        fn come(&mut self, clients: &str) {
            for name in clients.chars() {
                let client = Client::new([127, 0, 0, name as u8].into());
                self.waiting.push((name, self.turns.wait(Some(client))));
            }
            self.begin();
        }

        fn begin(&mut self) {
            for (name, mut waiting) in std::mem::take(&mut self.waiting) {
                match waiting.try_recv() {
                    Ok(turn) => self.in_work.push_back((name, turn)),
                    Err(_) => self.waiting.push((name, waiting)),
                }
            }
        }

        /// Ends the request that has been in work for longest, after so many seconds; returns whose it was.
        fn end(&mut self, seconds: impl Fn(char) -> u64) -> char {
            let (name, turn) = self.in_work.pop_front().unwrap();
            self.turns.end(turn.number, Duration::from_secs(seconds(name)));
            drop(turn);
            self.begin();
            name
        }

        fn in_work(&self) -> String {
            self.in_work.iter().map(|(name, _)| *name).collect()
        }

        /// The order in which all are begun, if each takes so many seconds.
        fn order(&mut self, seconds: impl Fn(char) -> u64) -> String {
            let mut order = String::new();
            while !self.in_work.is_empty() {
                order.push(self.end(&seconds));
            }
            assert!(self.waiting.is_empty());
            assert_eq!((self.turns.in_work(), self.turns.begun()), (0, 0));
            assert!(self.turns.schedule().accounts.is_empty());
            order
        }
    }

    #[test]
    fn clients_take_turns() {
        for (name, first, then, seconds, expected) in [
            ("one client: first come, first served", "aaaa", "", (1, 1), "aaaa"),
            ("one that floods", "aaaaaa", "b", (1, 1), "abaaaaa"),
            ("two that flood", "aaaa", "bbbb", (1, 1), "abababab"),
            ("three", "aaa", "bbbccc", (1, 1), "abcabcabc"),
            ("one whose requests take longer", "aaa", "bbbccc", (3, 1), "abcbcbcaa"),
        ] {
            // With one worker, and another for clients that have none.
            let mut requests = Requests::new(1);
            requests.come(first);
            requests.come(then);
            let order = requests.order(|client| if client == 'a' { seconds.0 } else { seconds.1 });
            assert_eq!(order, expected, "{name}");
        }
    }

    #[test]
    fn no_client_has_all_workers() {
        let mut requests = Requests::new(2);
        requests.come("aaaa");
        assert_eq!(requests.in_work(), "aa");
        requests.come("bb");
        assert_eq!(requests.in_work(), "aab");
        // One worker is left for a client that has none.
        assert_eq!((requests.end(|_| 1), requests.in_work()), ('a', "ab".to_owned()));
        requests.come("cc");
        assert_eq!(requests.in_work(), "abc");
    }

    #[test]
    fn who_was_away_has_no_claim_to_the_time_of_others() {
        let mut requests = Requests::new(1);
        requests.come("aaaacccc");
        for client in ['a', 'c', 'a', 'c'] {
            assert_eq!(requests.end(|_| 9), client);
        }
        // It begins with 18 seconds, as the others have: two of them are in work already.
        requests.come("bbbb");
        assert_eq!(requests.order(|_| 9), "acbacbbb");
    }

    #[test]
    fn who_leaves_while_it_waits_is_passed_over() {
        let mut requests = Requests::new(1);
        requests.come("aabab");
        requests.waiting.retain(|(name, _)| *name == 'b');
        assert_eq!(requests.order(|_| 1), "abb");
    }

    #[test]
    fn late_requests_give_their_worker_back_but_not_too_many() {
        let mut requests = Requests::new(2);
        requests.come("aaaaaa");
        let mut late = Vec::new();
        for (expected, in_work) in [(3, 2), (4, 2), (4, 2)] {
            let (name, turn) = requests.in_work.pop_front().unwrap();
            drop(turn.late_on_drop());
            late.push((name, turn));
            requests.begin();
            assert_eq!((requests.turns.begun(), requests.turns.in_work()), (expected, in_work));
        }
        // Another client still finds a worker.
        requests.come("b");
        assert_eq!((requests.turns.begun(), requests.turns.in_work()), (5, 3));
        assert_eq!(requests.in_work.pop_back().map(|(name, _)| name), Some('b'));
        // One of those that are late ends: the third, which was one too many, takes its place.
        late.pop();
        requests.begin();
        assert_eq!((requests.turns.begun(), requests.turns.in_work()), (4, 2));
        drop(late);
        requests.order(|_| 1);
    }

    #[test]
    fn what_is_remembered_of_clients_is_bounded() {
        let turns = Turns::new(1);
        let client = |n: usize| Some(Client::new([10, 1, (n >> 8) as u8, n as u8].into()));
        let busy = turns.wait(client(0)).try_recv().unwrap();
        for n in 1..3 * REMEMBERED {
            let turn = turns.wait(client(n)).try_recv().unwrap();
            turns.end(turn.number, Duration::from_secs(1));
            assert!(turns.schedule().accounts.len() <= REMEMBERED + 2);
        }
        drop(busy);
        assert!(turns.schedule().accounts.is_empty());
    }
}
