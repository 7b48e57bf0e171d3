//! Caches values that are expensive to make: the most recently used ones, by key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most recently used values, by key.
///
/// The cache itself is never locked while a value is made: values of different keys are made at the
/// same time, and whoever wants a value that is being made waits for that one alone.
pub(crate) struct Cache<K, V> {
    /// The most recently used last.
    entries: Mutex<Vec<(K, Arc<Slot<V>>)>>,
    capacity: usize,
    /// What the values that are cached weigh together at most.
    most: usize,
    weigh: fn(&V) -> usize,
}

/// The place of a value, locked while the value is made.
type Slot<V> = Mutex<State<V>>;

enum State<V> {
    Empty,
    Made(Arc<V>),
    /// No value will be made here: making it failed, or it turned out to be the value of another key.
    Abandoned,
}

impl<K: PartialEq + Clone, V> Cache<K, V> {
    /// An empty cache of at most `capacity` values.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: Mutex::default(), capacity, most: usize::MAX, weigh: |_| 0 }
    }

    /// The same, whose values weigh at most so much together: the one that is made last is not cached if it alone
    /// weighs more.
    pub(crate) fn within(self, most: usize, weigh: fn(&V) -> usize) -> Self {
        Self { most, weigh, ..self }
    }

    /// The value of this key: the cached one, or else what `make` makes.
    ///
    /// # Errors
    /// Those of `make`; nothing is cached then.
    pub(crate) fn get<E>(&self, key: K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        let made = key.clone();
        self.get_as(key, || Ok((made, make()?)))
    }

    /// The same, where what is made may turn out to be the value of another key, under which it is
    /// cached then.
    ///
    /// # Errors
    /// Those of `make`; nothing is cached then.
    pub(crate) fn get_as<E>(
        &self,
        key: K,
        make: impl FnOnce() -> Result<(K, V), E>,
    ) -> Result<Arc<V>, E> {
        loop {
            let slot = self.slot(&key);
            let mut state = lock(&slot);
            match &*state {
                State::Made(value) => return Ok(value.clone()),
                State::Abandoned => continue,
                State::Empty => {}
            }
            let (made, value) = match make() {
                Ok((made, value)) => (made, Arc::new(value)),
                Err(error) => {
                    *state = State::Abandoned;
                    self.remove(&slot);
                    return Err(error);
                }
            };
            if made == key {
                *state = State::Made(value.clone());
            } else {
                *state = State::Abandoned;
                self.remove(&slot);
                self.insert(made, Arc::new(Mutex::new(State::Made(value.clone()))));
            }
            drop(state);
            self.drop_surplus();
            return Ok(value);
        }
    }

    /// The sum of the weights of all values that have been made.
    pub(crate) fn weight(&self) -> usize {
        lock(&self.entries).iter().map(|(_, slot)| self.weight_of(slot)).sum()
    }

    fn weight_of(&self, slot: &Slot<V>) -> usize {
        match slot.try_lock().as_deref() {
            Ok(State::Made(value)) => (self.weigh)(value),
            // It is empty or being made.
            _ => 0,
        }
    }

    /// Drops the values that have not been used for longest, until the others weigh no more than they may.
    fn drop_surplus(&self) {
        let mut entries = lock(&self.entries);
        let mut weight: usize = entries.iter().map(|(_, slot)| self.weight_of(slot)).sum();
        entries.retain(|(_, slot)| {
            let this = if weight > self.most { self.weight_of(slot) } else { 0 };
            weight -= this;
            this == 0
        });
    }

    /// The slot of a key, which becomes the most recently used one.
    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut entries = lock(&self.entries);
        let slot = match entries.iter().position(|(other, _)| other == key) {
            Some(at) => entries.remove(at).1,
            None => {
                // Room is made before the value is: each may take much memory.
                let surplus = (entries.len() + 1).saturating_sub(self.capacity);
                entries.drain(..surplus);
                Arc::new(Mutex::new(State::Empty))
            }
        };
        entries.push((key.clone(), slot.clone()));
        slot
    }

    fn insert(&self, key: K, slot: Arc<Slot<V>>) {
        let mut entries = lock(&self.entries);
        entries.retain(|(other, _)| *other != key);
        let surplus = (entries.len() + 1).saturating_sub(self.capacity);
        entries.drain(..surplus);
        entries.push((key, slot));
    }

    fn remove(&self, slot: &Arc<Slot<V>>) {
        lock(&self.entries).retain(|(_, other)| !Arc::ptr_eq(slot, other));
    }
}

/// Locks a mutex. One whose owner panicked is used on: nothing in here is left half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::sync::{Barrier, atomic::AtomicUsize, atomic::Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Far longer than anything here takes: reached only where a thread would wait forever.
    const FOREVER: Duration = Duration::from_secs(300);

    #[test]
    fn the_most_recently_used_values_stay() {
        let cache = Cache::new(2);
        let mut made = Vec::new();
        for key in [1, 2, 1, 3, 1, 2] {
            cache
                .get(key, || {
                    made.push(key);
                    Ok::<_, ()>(key)
                })
                .unwrap();
        }
        assert_eq!(made, [1, 2, 3, 2]);
    }

    #[test]
    fn values_stay_as_long_as_they_are_light() {
        let cache = Cache::new(9).within(6, |weight: &usize| *weight);
        for (key, weight) in [(2, 2), (3, 5), (4, 4), (3, 3), (7, 0), (1, 1)] {
            cache.get(key, || Ok::<_, ()>(key)).unwrap();
            assert_eq!(cache.weight(), weight, "{key}");
        }
    }

    #[test]
    fn what_is_made_for_another_key_is_cached_under_that_one() {
        let cache = Cache::new(2);
        assert_eq!(*cache.get_as(8, || Ok::<_, ()>((9, 5))).unwrap(), 5);
        assert_eq!(*cache.get(9, || Err(())).unwrap(), 5);
        assert_eq!(cache.get(8, || Err(())), Err(()));
    }

    #[test]
    fn failures_are_not_cached() {
        let cache = Cache::new(2);
        assert_eq!(cache.get(7, || Err::<i32, _>("no")).unwrap_err(), "no");
        assert_eq!(*cache.get(7, || Ok::<_, &str>(1)).unwrap(), 1);
        let panicked =
            thread::scope(|s| s.spawn(|| cache.get(6, || -> Result<i32, ()> { panic!() })).join());
        assert!(panicked.is_err());
        assert_eq!(*cache.get(6, || Ok::<_, ()>(2)).unwrap(), 2);
    }

    /// Each of two values is finished only after the other one has been begun.
    #[test]
    fn values_of_two_keys_are_made_at_the_same_time() {
        let cache = Cache::new(2);
        let (to_first, from_second) = mpsc::channel();
        let (to_second, from_first) = mpsc::channel();
        let make = |begun: mpsc::Sender<()>, other: mpsc::Receiver<()>| {
            begun.send(()).unwrap();
            other.recv_timeout(FOREVER)
        };
        thread::scope(|s| {
            let first = s.spawn(|| cache.get(1, || make(to_second, from_second)).map(drop));
            let second = s.spawn(|| cache.get(2, || make(to_first, from_first)).map(drop));
            assert_eq!(first.join().unwrap(), Ok(()));
            assert_eq!(second.join().unwrap(), Ok(()));
        });
    }

    #[test]
    fn a_value_that_many_threads_want_is_made_once() {
        let (cache, made, start) = (Cache::new(2), AtomicUsize::new(0), Barrier::new(8));
        thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| {
                    start.wait();
                    let value = cache.get("key", || {
                        made.fetch_add(1, Ordering::SeqCst);
                        Ok::<_, ()>(7)
                    });
                    assert_eq!(*value.unwrap(), 7);
                });
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }
}
