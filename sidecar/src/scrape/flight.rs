//! Single flight: whoever asks while an answer is being made gets that answer.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

type Seat<T> = watch::Receiver<Option<T>>;

/// At most one run at a time, shared by all who join while it lasts.
///
/// The run is a task of its own: it goes on when the one who started it hangs up. Its result is
/// forgotten once everybody has it.
#[derive(Debug)]
pub struct Flight<T> {
    under_way: Arc<Mutex<Option<Seat<T>>>>,
}

impl<T> Default for Flight<T> {
    fn default() -> Self {
        Self { under_way: Arc::default() }
    }
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// The result of the run that is under way, or of a new one; `None` if the run panicked.
    pub async fn join<F>(&self, start: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut seat = self.seat(start);
        seat.wait_for(Option::is_some).await.ok()?.clone()
    }

    fn seat<F>(&self, start: impl FnOnce() -> F) -> Seat<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut under_way = lock(&self.under_way);
        // A run that panicked has dropped its sender.
        if let Some(seat) = under_way.as_ref().filter(|seat| seat.has_changed().is_ok()) {
            return seat.clone();
        }
        let (sender, seat) = watch::channel(None);
        *under_way = Some(seat.clone());
        let (run, slot) = (start(), Arc::clone(&self.under_way));
        tokio::spawn(async move {
            let result = run.await;
            *lock(&slot) = None;
            sender.send_replace(Some(result));
        });
        seat
    }
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn fifty_at_once_share_one_run_and_the_next_one_starts_another() {
        let (flight, runs) = (Arc::new(Flight::default()), Arc::new(AtomicU32::new(0)));
        let go = Arc::new(Notify::new());
        let joined: Vec<_> = (0..50)
            .map(|_| {
                let (flight, runs, go) = (flight.clone(), runs.clone(), go.clone());
                tokio::spawn(async move {
                    flight
                        .join(|| async move {
                            go.notified().await;
                            runs.fetch_add(1, Ordering::SeqCst) + 1
                        })
                        .await
                })
            })
            .collect();
        tokio::task::yield_now().await;
        go.notify_one();
        for task in joined {
            assert_eq!(task.await.unwrap(), Some(1));
        }
        assert_eq!(flight.join(|| async { 2 }).await, Some(2));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_run_goes_on_when_the_one_who_started_it_hangs_up() {
        let (flight, go) = (Arc::new(Flight::default()), Arc::new(Notify::new()));
        let (first, gate) = (flight.clone(), go.clone());
        let starter = tokio::spawn(async move {
            first
                .join(|| async move {
                    gate.notified().await;
                    7
                })
                .await
        });
        tokio::task::yield_now().await;
        starter.abort();
        assert!(starter.await.unwrap_err().is_cancelled());
        go.notify_one();
        assert_eq!(flight.join(|| async { 8 }).await, Some(7));
    }

    #[tokio::test]
    async fn a_run_that_panics_leaves_the_way_free() {
        let flight = Flight::<u32>::default();
        assert_eq!(flight.join(|| async { panic!("on purpose") }).await, None);
        assert_eq!(flight.join(|| async { 1 }).await, Some(1));
    }
}
