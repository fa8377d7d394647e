//! Turns at what is dear: one at a time, some may wait, and no client for all of them.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many there are, with the one whose turn it is.
const PLACES: usize = 8;

/// How many of them one address may have.
const PLACES_OF_ONE: usize = 2;

/// Who has a place.
#[derive(Debug)]
pub(super) struct Turns {
    one: Arc<Semaphore>,
    taken: Arc<Mutex<Vec<IpAddr>>>,
}

/// A place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    one: Arc<Semaphore>,
    taken: Arc<Mutex<Vec<IpAddr>>>,
    client: IpAddr,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { one: Arc::new(Semaphore::new(1)), taken: Arc::default() }
    }

    /// A place for that client, if one is left for it.
    pub(super) fn place(&self, client: IpAddr) -> Option<Place> {
        let client = client.to_canonical();
        let mut taken = lock(&self.taken);
        let has = taken.iter().filter(|other| **other == client).count();
        if taken.len() >= PLACES || has >= PLACES_OF_ONE {
            return None;
        }
        taken.push(client);
        Some(Place { one: Arc::clone(&self.one), taken: Arc::clone(&self.taken), client })
    }
}

impl Place {
    /// Waits for its turn, which lasts as long as what is returned.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.one).acquire_owned().await.ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(index) = taken.iter().position(|client| *client == self.client) {
            taken.swap_remove(index);
        }
    }
}

fn lock(taken: &Mutex<Vec<IpAddr>>) -> MutexGuard<'_, Vec<IpAddr>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_gets_two_places_and_leaves_the_others_to_others() {
        let turns = Turns::new();
        let client = |last: u8| IpAddr::from([10, 0, 0, last]);
        let mut places: Vec<Place> = (0..2).map(|_| turns.place(client(1)).unwrap()).collect();
        assert!(turns.place(client(1)).is_none());
        let mapped = "::ffff:10.0.0.1".parse().unwrap();
        assert!(turns.place(mapped).is_none(), "the same client by IPv6");
        places.extend((2..8).map(|last| turns.place(client(last)).unwrap()));
        assert!(turns.place(client(9)).is_none(), "all are taken");
        places.remove(0);
        assert!(turns.place(client(9)).is_some());
    }

    #[tokio::test]
    async fn a_turn_ends_with_what_stands_for_it() {
        let turns = Turns::new();
        let client = IpAddr::from([10, 0, 0, 1]);
        let (first, second) = (turns.place(client).unwrap(), turns.place(client).unwrap());
        let turn = first.turn().await.unwrap();
        let mut waiting = std::pin::pin!(second.turn());
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("two at a time"),
            () = tokio::task::yield_now() => {}
        }
        drop(turn);
        assert!(waiting.await.is_some());
    }
}
