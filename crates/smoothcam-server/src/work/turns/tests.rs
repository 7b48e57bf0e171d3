//! Tests of who gets the next turn.

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
