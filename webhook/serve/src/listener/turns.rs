//! Turns at something that one does at a time. The newest who asks is next.
//!
//! First come, first served would have everybody behind an attack that comes faster than it is worked
//! off; like that, who has just come is through before those who are given up by then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    is_taken: bool,
    /// The newest is last.
    waiting: Vec<oneshot::Sender<Turn>>,
}

/// A turn; dropped, it is the next one's.
#[derive(Debug)]
pub(super) struct Turn(Arc<Turns>);

impl Turns {
    /// Waits for a turn.
    pub(super) async fn take(self: &Arc<Self>) -> Turn {
        let turn = {
            let mut queue = self.lock();
            if queue.is_taken {
                let (next, turn) = oneshot::channel();
                queue.waiting.retain(|waiting| !waiting.is_closed());
                queue.waiting.push(next);
                Some(turn)
            } else {
                queue.is_taken = true;
                None
            }
        };
        match turn {
            // A turn is passed on before what passes it on is dropped.
            Some(turn) => turn.await.unwrap_or_else(|_| Turn(Arc::clone(self))),
            None => Turn(Arc::clone(self)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut queue = self.0.lock();
            let next = queue.waiting.pop();
            queue.is_taken = next.is_some();
            next
        };
        // If that one has gone, the turn comes back, and is dropped and so passed on again.
        drop(next.map(|next| next.send(Self(Arc::clone(&self.0)))));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_newest_is_next_and_who_has_gone_holds_nobody_up() {
        let turns = Arc::new(Turns::default());
        let first = turns.take().await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..4 {
            let (turns, order) = (Arc::clone(&turns), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let _turn = turns.take().await;
                order.lock().unwrap().push(number);
            }));
            yield_now().await;
        }
        waiting[2].abort();
        yield_now().await;
        drop(first);
        for one in waiting {
            let _ = one.await;
        }
        assert_eq!(*order.lock().unwrap(), [3, 1, 0]);
        assert!(timeout(Duration::from_secs(1), turns.take()).await.is_ok(), "nobody has it");
    }
}
