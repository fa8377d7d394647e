//! Who is connected, and who has to go when there is no place for another.
//!
//! Anybody can connect, and nobody has shown who he is. What can be told apart is who has sent a good
//! request and who has not:
//!
//! - Half of the places are kept for peers that have. No number of others takes those.
//! - Within each half, who has been waited for longest goes first, in whatever most of them do. So an
//!   attack of one kind meets itself, and who takes each step at once is through before his turn.
//! - Nobody goes while it is our turn, nor before he was waited for a little.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::IntCounterVec;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::peer::{Peer, Stage, Standing};

/// Everybody is waited for so long, however short places are: what a burst of many API servers' pods
/// needs. The longer, the fewer connections in a second are taken while places are short.
const PATIENCE: Duration = Duration::from_millis(50);

/// How often is looked for somebody who can go, where nobody could.
const LOOK: Duration = Duration::from_millis(5);

/// All that are connected to one port.
#[derive(Debug)]
pub(crate) struct Peers {
    places: usize,
    connected: Mutex<Connected>,
    freed: Notify,
    evictions: IntCounterVec,
}

#[derive(Debug, Default)]
struct Connected {
    next: u64,
    peers: HashMap<u64, Arc<Peer>>,
}

/// A place among them; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    of: Arc<Peers>,
    number: u64,
    peer: Arc<Peer>,
}

impl Peers {
    /// Nobody yet; `evictions` counts those that had to go, by what they did.
    pub(crate) fn new(places: usize, evictions: IntCounterVec) -> Arc<Self> {
        let connected = Mutex::default();
        Arc::new(Self { places, connected, freed: Notify::new(), evictions })
    }

    /// A place for one more; somebody else's, if need be.
    pub(crate) async fn admit(self: &Arc<Self>) -> Place {
        loop {
            let freed = self.freed.notified();
            if let Some(place) = self.place() {
                return place;
            }
            if let Some(peer) = self.first_to_go() {
                peer.evict();
                freed.await;
            } else {
                tokio::select! { () = freed => {}, () = sleep(LOOK) => {} }
            }
        }
    }

    fn place(self: &Arc<Self>) -> Option<Place> {
        let mut connected = self.lock();
        if connected.peers.len() >= self.places {
            return None;
        }
        connected.next += 1;
        let (number, peer) = (connected.next, Peer::new(self.evictions.clone()));
        connected.peers.insert(number, Arc::clone(&peer));
        Some(Place { of: Arc::clone(self), number, peer })
    }

    fn first_to_go(&self) -> Option<Arc<Peer>> {
        let connected = self.lock();
        let peers = connected.peers.values();
        let (proven, newcomers): (Vec<_>, Vec<_>) =
            peers.partition(|peer| peer.standing() == Standing::Proven);
        let too_many = if proven.len() > self.places / 2 { proven } else { newcomers };
        longest_awaited(&too_many)
    }

    fn lock(&self) -> MutexGuard<'_, Connected> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of those who were waited for long enough, and of what most of them do: who does it longest.
fn longest_awaited(peers: &[&Arc<Peer>]) -> Option<Arc<Peer>> {
    let mut crowds: HashMap<Stage, Vec<(Instant, &Arc<Peer>)>> = HashMap::new();
    for peer in peers {
        if let Some((stage, since)) = peer.awaited()
            && since.elapsed() >= PATIENCE
        {
            crowds.entry(stage).or_default().push((since, peer));
        }
    }
    let crowd = crowds.into_values().max_by_key(Vec::len)?;
    let first = crowd.into_iter().min_by_key(|(since, _)| *since);
    first.map(|(_, peer)| Arc::clone(peer))
}

impl Place {
    /// Who has it.
    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.of.lock().peers.remove(&self.number);
        self.of.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use prometheus::Opts;
    use tokio::time::advance;

    use super::*;

    fn peers(places: usize) -> Arc<Peers> {
        Peers::new(places, IntCounterVec::new(Opts::new("a", "b"), &["stage"]).unwrap())
    }

    /// All places are taken, one a millisecond.
    async fn full(peers: &Arc<Peers>) -> Vec<Place> {
        let mut places = Vec::new();
        for _ in 0..peers.places {
            places.push(peers.admit().await);
            advance(Duration::from_millis(1)).await;
        }
        places
    }

    /// The index of the one that has to go for another.
    fn first_to_go(peers: &Arc<Peers>, places: &[Place]) -> Option<usize> {
        let first = peers.first_to_go()?;
        places.iter().position(|place| Arc::ptr_eq(place.peer(), &first))
    }

    fn answered(place: &Place) {
        place.peer().prove();
        place.peer().enter(Stage::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_answered_stays_however_many_come_and_however_long_he_is_idle() {
        let peers = peers(8);
        let places = full(&peers).await;
        for place in &places[..4] {
            answered(place);
            advance(Duration::from_millis(1)).await;
        }
        advance(Duration::from_mins(1)).await;
        assert_eq!(first_to_go(&peers, &places), Some(4));
        // But of more than half of all places those have no more than the others.
        answered(&places[4]);
        assert_eq!(first_to_go(&peers, &places), Some(0), "the one that was idle longest");
    }

    #[tokio::test(start_paused = true)]
    async fn an_attack_of_one_kind_meets_itself() {
        let peers = peers(8);
        let places = full(&peers).await;
        places[1].peer().received(1);
        advance(Duration::from_mins(1)).await;
        assert_eq!(first_to_go(&peers, &places), Some(0), "most say nothing");
        for place in &places[2..] {
            place.peer().enter(Stage::Waiting);
            advance(Duration::from_millis(1)).await;
        }
        advance(Duration::from_mins(1)).await;
        assert_eq!(first_to_go(&peers, &places), Some(2), "most wait, if not the longest");
        for place in &places[2..] {
            answered(place);
            advance(Duration::from_millis(1)).await;
        }
        for place in &places[4..] {
            place.peer().received(1);
            advance(Duration::from_millis(1)).await;
        }
        advance(Duration::from_mins(1)).await;
        assert_eq!(first_to_go(&peers, &places), Some(4), "it is the same among the proven");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_goes_while_it_is_our_turn_or_at_once() {
        let peers = peers(2);
        let places = full(&peers).await;
        assert_eq!(first_to_go(&peers, &places), None);
        places[0].peer().enter(Stage::Answering);
        advance(PATIENCE).await;
        assert_eq!(first_to_go(&peers, &places), Some(1));
        places[1].peer().enter(Stage::Sending);
        assert_eq!(first_to_go(&peers, &places), None);
        advance(PATIENCE).await;
        assert_eq!(first_to_go(&peers, &places), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_free_once_the_one_before_has_gone() {
        let peers = peers(1);
        let first = peers.admit().await;
        let leaving = tokio::spawn(async move {
            first.peer().evicted().await;
            drop(first);
        });
        let second = tokio::time::timeout(Duration::from_secs(1), peers.admit()).await.unwrap();
        leaving.await.unwrap();
        second.peer().enter(Stage::Answering);
        assert!(tokio::time::timeout(Duration::from_secs(9), peers.admit()).await.is_err());
        assert_eq!(peers.evictions.with_label_values(&["opening"]).get(), 1);
    }
}
