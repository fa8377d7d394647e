//! A lock whose holders leave whole values behind, those that panic included.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks it, whoever has panicked.
pub(crate) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
