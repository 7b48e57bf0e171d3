//! What is made once and kept for the next time.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};

/// The most recently used things, by key.
pub(crate) struct Kept<K, V> {
    /// The most recently used last.
    things: Mutex<Vec<(K, Arc<V>)>>,
    most: usize,
}

impl<K: PartialEq, V> Kept<K, V> {
    /// Keeps so many at most.
    pub(crate) fn new(most: usize) -> Self {
        Self { things: Mutex::default(), most }
    }

    /// The thing of this key: that which is kept, or else what `make` makes.
    ///
    /// # Errors
    /// Those of `make`.
    pub(crate) fn get<E>(&self, key: K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        let thing = match things.iter().position(|(k, _)| *k == key) {
            Some(at) => things.remove(at).1,
            None => {
                // Room is made before: each may hold much memory.
                let surplus = (things.len() + 1).saturating_sub(self.most);
                things.drain(..surplus);
                Arc::new(make()?)
            }
        };
        things.push((key, thing.clone()));
        Ok(thing)
    }

    /// Keeps the thing of one key as that of another.
    pub(crate) fn rename(&self, from: &K, to: K) {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        things.retain(|(key, _)| *key != to);
        if let Some((key, _)) = things.iter_mut().find(|(key, _)| key == from) {
            *key = to;
        }
    }

    /// The sum of what the things weigh; `None` while one is made.
    pub(crate) fn weigh(&self, weight: impl Fn(&V) -> usize) -> Option<usize> {
        let things = match self.things.try_lock() {
            Ok(things) => things,
            Err(TryLockError::Poisoned(things)) => things.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(things.iter().map(|(_, thing)| weight(thing)).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_recently_used_are_kept() {
        let kept = Kept::new(2);
        let mut made = Vec::new();
        for key in [1, 2, 1, 3, 1, 2] {
            kept.get(key, || {
                made.push(key);
                Ok::<_, ()>(key)
            })
            .unwrap();
        }
        assert_eq!(made, [1, 2, 3, 2]);
        assert_eq!(kept.weigh(|thing| *thing), Some(3));
        kept.rename(&2, 9);
        assert_eq!(*kept.get(9, || Err(())).unwrap(), 2);
        assert_eq!(kept.get(7, || Err("no")).unwrap_err(), "no");
    }
}
