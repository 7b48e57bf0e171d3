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
        self.get_as(key, |key| Ok((key, make()?)))
    }

    /// The same, where what is made may turn out to be that of another key, under which it is then kept.
    ///
    /// # Errors
    /// Those of `make`.
    pub(crate) fn get_as<E>(
        &self,
        key: K,
        make: impl FnOnce(K) -> Result<(K, V), E>,
    ) -> Result<Arc<V>, E> {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, thing) = match things.iter().position(|(k, _)| *k == key) {
            Some(at) => things.remove(at),
            None => {
                // Room is made before: each may hold much memory.
                let surplus = (things.len() + 1).saturating_sub(self.most);
                things.drain(..surplus);
                let (key, thing) = make(key)?;
                things.retain(|(other, _)| *other != key);
                (key, Arc::new(thing))
            }
        };
        things.push((key, thing.clone()));
        Ok(thing)
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
        // What is made under another key is not there under the one asked for.
        assert_eq!(*kept.get_as(8, |_| Ok::<_, ()>((9, 5))).unwrap(), 5);
        assert_eq!(*kept.get(9, || Err(())).unwrap(), 5);
        assert_eq!(kept.get(8, || Err(())), Err(()));
        assert_eq!(kept.get(7, || Err("no")).unwrap_err(), "no");
    }
}
