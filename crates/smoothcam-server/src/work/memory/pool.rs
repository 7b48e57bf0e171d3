//! Holds memory of a pool, which is given back by itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Memory that is shared.
pub(crate) struct Pool {
    /// In bytes, as all here.
    pub(super) capacity: usize,
    free: Mutex<usize>,
}

/// Memory of a pool that is given back when this is dropped.
pub(crate) struct Held {
    pub(super) pool: Arc<Pool>,
    pub(super) bytes: usize,
}

/// Why memory is not given.
pub(super) enum Refused {
    /// It is more than there is.
    TooMuch,
    /// Others hold it.
    NotFree,
}

impl Pool {
    pub(super) fn new(capacity: usize) -> Arc<Pool> {
        Arc::new(Pool { capacity, free: Mutex::new(capacity) })
    }

    /// None of its memory yet.
    pub(crate) fn nothing(self: &Arc<Self>) -> Held {
        Held { pool: self.clone(), bytes: 0 }
    }

    pub(super) fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Takes more memory; whether there is as much.
    pub(crate) fn add(&mut self, bytes: usize) -> bool {
        self.take(bytes).is_ok()
    }

    pub(super) fn take(&mut self, bytes: usize) -> std::result::Result<(), Refused> {
        if self.bytes.saturating_add(bytes) > self.pool.capacity {
            return Err(Refused::TooMuch);
        }
        let mut free = self.pool.free();
        *free = free.checked_sub(bytes).ok_or(Refused::NotFree)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives back all but so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        *self.pool.free() += surplus;
        self.bytes -= surplus;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_held_and_given_back() {
        let pool = Pool::new(100);
        let (mut one, mut two) = (pool.nothing(), pool.nothing());
        assert!(one.add(60) && !two.add(50) && two.add(40) && !one.add(1));
        one.shrink_to(20);
        one.shrink_to(30);
        assert_eq!((one.bytes, *pool.free()), (20, 40));
        assert!(matches!(two.take(61), Err(Refused::TooMuch)));
        assert!(matches!(two.take(60), Err(Refused::NotFree)));
        drop((one, two));
        assert_eq!(*pool.free(), 100);
    }
}
