//! Who is connected, what each is doing, and who has to go when there is no place for another.
//!
//! ```text
//! Opening --first byte--> Sending --all of it--> Answering --answer--> Idle --first byte--> Sending ...
//!                          |   ^
//!                    Waiting for room
//! ```
//!
//! Anybody can connect, and nobody has shown who he is. So nobody keeps what others need by doing
//! nothing: the slowest goes first, then whoever has not been heard of for the longest time. Who has
//! sent a whole request gets his answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::IntCounterVec;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// Somebody who sends is looked at for so long before he is called slow.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);

/// Below this, in bytes a second, somebody who sends is slow. An API server, in the same network, sends
/// a thousand times as fast.
const SLOW: f64 = 256.0 * 1024.0;

/// Of the places, one in so many is for those who have not sent anything yet.
const OPENING_SHARE: usize = 4;

/// How often is looked for somebody who can go, where nobody could.
const LOOK: Duration = Duration::from_millis(20);

/// What a peer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing of a request has come yet.
    Opening,
    /// Some of a request has come, or some of its answer was taken: it is the peer's turn.
    Sending,
    /// Its body, of so many bytes, is not read yet, since there is no room for it.
    Waiting(usize),
    /// Its request is here.
    Answering,
    /// Its answer is sent.
    Idle,
}

/// One connection.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    state: Mutex<State>,
    leave: Notify,
    /// Where it is counted that a peer had to go.
    evictions: Option<IntCounterVec>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    since: Instant,
    leaving: bool,
    speed: Speed,
}

/// Bytes per second, of late.
#[derive(Debug)]
struct Speed {
    since: Instant,
    bytes: usize,
    /// Of the time before that.
    before: Option<f64>,
}

impl Speed {
    fn new() -> Self {
        Self { since: Instant::now(), bytes: 0, before: None }
    }

    fn add(&mut self, bytes: usize) {
        let elapsed = self.since.elapsed();
        if elapsed >= PATIENCE {
            let before = Some(self.bytes as f64 / elapsed.as_secs_f64());
            *self = Self { before, ..Self::new() };
        }
        self.bytes += bytes;
    }

    /// None while it cannot be told.
    fn now(&self) -> Option<f64> {
        let elapsed = self.since.elapsed();
        if elapsed >= PATIENCE {
            return Some(self.bytes as f64 / elapsed.as_secs_f64());
        }
        self.before
    }
}

impl Default for State {
    fn default() -> Self {
        let (since, speed) = (Instant::now(), Speed::new());
        Self { stage: Stage::Opening, since, leaving: false, speed }
    }
}

impl Peer {
    /// So many bytes of it were read.
    pub(crate) fn received(&self, bytes: usize) {
        let mut state = self.lock();
        if matches!(state.stage, Stage::Opening | Stage::Idle) {
            state.enter(Stage::Sending);
        }
        state.speed.add(bytes);
    }

    /// It does something else from now on.
    pub(crate) fn enter(&self, stage: Stage) {
        self.lock().enter(stage);
    }

    /// Has to go.
    pub(crate) fn evict(&self) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.leaving, true)
            && let Some(evictions) = &self.evictions
        {
            evictions.with_label_values(&[state.name()]).inc();
        }
        self.leave.notify_one();
    }

    /// Returns once it has to go.
    pub(crate) async fn evicted(&self) {
        self.leave.notified().await;
    }

    /// How fast it sends, if it sends and that is slow.
    pub(crate) fn slow(&self) -> Option<f64> {
        self.lock().slow()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
        self.speed = Speed::new();
    }

    fn slow(&self) -> Option<f64> {
        let sends = self.stage == Stage::Sending && !self.leaving;
        self.speed.now().filter(|speed| sends && *speed < SLOW)
    }

    /// Who goes first, the least of all; none for who stays.
    fn rank(&self, too_many_open: bool) -> Option<(u8, f64)> {
        if self.leaving {
            return None;
        }
        // The longer, the less.
        let age = -self.since.elapsed().as_secs_f64();
        match self.stage {
            Stage::Opening if too_many_open => Some((0, age)),
            Stage::Sending => self.slow().map(|speed| (1, speed)),
            Stage::Idle => Some((2, age)),
            Stage::Opening => Some((3, age)),
            Stage::Waiting(bytes) => Some((4, -(bytes as f64))),
            Stage::Answering => None,
        }
    }

    const fn name(&self) -> &'static str {
        match self.stage {
            Stage::Opening => "opening",
            Stage::Sending => "sending",
            Stage::Waiting(_) => "waiting",
            Stage::Answering => "answering",
            Stage::Idle => "idle",
        }
    }
}

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
        let evictions = Some(self.evictions.clone());
        let (number, peer) = (connected.next, Arc::new(Peer { evictions, ..Peer::default() }));
        connected.peers.insert(number, Arc::clone(&peer));
        Some(Place { of: Arc::clone(self), number, peer })
    }

    fn first_to_go(&self) -> Option<Arc<Peer>> {
        let connected = self.lock();
        let opening = |peer: &&Arc<Peer>| peer.lock().stage == Stage::Opening;
        let opening = connected.peers.values().filter(opening).count();
        let too_many_open = opening > self.places / OPENING_SHARE;
        let ranked = connected.peers.values();
        let ranked = ranked.filter_map(|peer| Some((peer.lock().rank(too_many_open)?, peer)));
        let first = ranked
            .min_by(|((one, by), _), ((other, than), _)| one.cmp(other).then(by.total_cmp(than)));
        first.map(|(_, peer)| Arc::clone(peer))
    }

    fn lock(&self) -> MutexGuard<'_, Connected> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    #[tokio::test(start_paused = true)]
    async fn the_slow_go_before_the_idle_and_those_before_who_waits() {
        let peers = peers(4);
        let places = full(&peers).await;
        for place in &places {
            place.peer().enter(Stage::Answering);
        }
        assert_eq!(first_to_go(&peers, &places), None);
        places[0].peer().enter(Stage::Waiting(7));
        places[1].peer().enter(Stage::Waiting(9));
        assert_eq!(first_to_go(&peers, &places), Some(1));
        places[2].peer().enter(Stage::Idle);
        advance(Duration::from_secs(1)).await;
        places[3].peer().enter(Stage::Idle);
        assert_eq!(first_to_go(&peers, &places), Some(2));
        places[3].peer().received(1);
        assert_eq!(first_to_go(&peers, &places), Some(2), "it has just begun to send");
        advance(PATIENCE).await;
        assert_eq!(first_to_go(&peers, &places), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_fast_stays_and_of_the_slow_the_slowest_goes() {
        let peers = peers(3);
        let places = full(&peers).await;
        for _ in 0..20 {
            for (place, bytes) in places.iter().zip([100_000, 1_000, 10]) {
                place.peer().received(bytes);
            }
            advance(Duration::from_millis(50)).await;
        }
        assert_eq!(places[0].peer().slow(), None);
        assert_eq!(first_to_go(&peers, &places), Some(2));
        // Fast once is not fast for ever.
        advance(Duration::from_secs(2)).await;
        places[1].peer().received(200_000);
        places[2].peer().received(200_000);
        advance(PATIENCE).await;
        assert_eq!(first_to_go(&peers, &places), Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_only_connects_takes_no_more_than_a_share() {
        let peers = peers(8);
        let places = full(&peers).await;
        for place in &places[..6] {
            place.peer().enter(Stage::Idle);
            advance(Duration::from_millis(1)).await;
        }
        advance(Duration::from_mins(1)).await;
        assert_eq!(first_to_go(&peers, &places), Some(0));
        places[0].peer().enter(Stage::Answering);
        places[1].peer().enter(Stage::Answering);
        // A third one that opens is beyond a quarter: the oldest of those goes, not the idle ones.
        places[2].peer().enter(Stage::Opening);
        assert_eq!(first_to_go(&peers, &places), Some(6));
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
