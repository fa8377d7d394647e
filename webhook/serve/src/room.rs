//! Memory for bodies, which is taken before any of a body is read.
//!
//! A body of an ordinary review has its room with the connection's place. Larger ones share what the
//! container's memory limit leaves: the smallest first, since that is over soonest, and whoever has
//! room and sends slowly loses it to whoever waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::peer::{LOOKED_AT, Peer, Stage};

/// How large a body may be that needs no room of its own.
pub(crate) const ORDINARY: usize = 64 << 10;

/// Room for all larger ones together.
const ALL: usize = 14 << 20;

/// Room for bodies, shared by all requests.
#[derive(Debug)]
pub(crate) struct Room(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    next: u64,
    /// By size, and those of one size by their turn.
    waiting: BTreeMap<(usize, u64), Waiting>,
    /// By their turn.
    holding: BTreeMap<u64, (usize, Arc<Peer>)>,
}

#[derive(Debug)]
struct Waiting {
    peer: Arc<Peer>,
    give: oneshot::Sender<Held>,
}

/// Some of the room; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held(Option<(Arc<Room>, u64)>);

/// Takes somebody who waits no longer out of the queue.
struct Leaves<'r> {
    room: &'r Room,
    key: (usize, u64),
}

impl Room {
    pub(crate) fn new() -> Arc<Self> {
        let (waiting, holding) = (BTreeMap::new(), BTreeMap::new());
        Arc::new(Self(Mutex::new(State { free: ALL, next: 0, waiting, holding })))
    }

    /// Waits for room for a body of so many bytes, that this peer is going to send.
    pub(crate) async fn take(self: &Arc<Self>, bytes: usize, peer: &Arc<Peer>) -> Held {
        if bytes <= ORDINARY {
            return Held(None);
        }
        peer.enter(Stage::Waiting);
        let (give, mut given) = oneshot::channel();
        let key = self.queue(bytes, Waiting { peer: Arc::clone(peer), give });
        let _leaves = Leaves { room: self, key };
        loop {
            self.hand_out();
            self.evict_for(key);
            tokio::select! {
                biased;
                held = &mut given => {
                    peer.enter(Stage::Sending);
                    // Nobody drops the sender while the entry is there.
                    return held.unwrap_or(Held(None));
                }
                () = sleep(LOOKED_AT / 5) => {}
            }
        }
    }

    fn queue(&self, bytes: usize, waiting: Waiting) -> (usize, u64) {
        let mut state = self.lock();
        state.next += 1;
        let key = (bytes, state.next);
        state.waiting.insert(key, waiting);
        key
    }

    /// Gives room to those who wait, for as many as there is.
    fn hand_out(self: &Arc<Self>) {
        let mut given = Vec::new();
        {
            let mut state = self.lock();
            while let Some(entry) = state.waiting.first_entry() {
                let (bytes, turn) = *entry.key();
                if bytes > state.free {
                    break;
                }
                if let Some((_, Waiting { peer, give })) = state.waiting.pop_first() {
                    state.free -= bytes;
                    state.holding.insert(turn, (bytes, peer));
                    given.push((give, Held(Some((Arc::clone(self), turn)))));
                }
            }
        }
        for (give, held) in given {
            // Whoever has gone gives it back by that.
            drop(give.send(held));
        }
    }

    /// If it is this one's turn, those who have room and send slowly have to go: the slowest first,
    /// and as many as it takes.
    fn evict_for(&self, key: (usize, u64)) {
        let state = self.lock();
        if state.waiting.keys().next() != Some(&key) {
            return;
        }
        let slow =
            |(bytes, peer): &(usize, Arc<Peer>)| Some((peer.slow()?, *bytes, Arc::clone(peer)));
        let mut slow: Vec<_> = state.holding.values().filter_map(slow).collect();
        slow.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
        let mut free = state.free;
        for (_, bytes, peer) in slow {
            if free >= key.0 {
                return;
            }
            peer.evict();
            free += bytes;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.room.lock().waiting.remove(&self.key);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some((room, turn)) = self.0.take() else {
            return;
        };
        {
            let mut state = room.lock();
            if let Some((bytes, _)) = state.holding.remove(&turn) {
                state.free += bytes;
            }
        }
        room.hand_out();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, advance, timeout};

    use super::*;

    const LARGE: usize = 6 << 20;

    fn peer() -> Arc<Peer> {
        Arc::default()
    }

    #[tokio::test(start_paused = true)]
    async fn ordinary_bodies_wait_for_nobody() {
        let (room, start) = (Room::new(), Instant::now());
        let mut held = vec![room.take(LARGE, &peer()).await, room.take(LARGE, &peer()).await];
        for _ in 0..1000 {
            held.push(room.take(ORDINARY, &peer()).await);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_for_as_many_as_fit_and_the_smallest_is_next() {
        let room = Room::new();
        let working = || {
            let peer = peer();
            peer.enter(Stage::Answering);
            peer
        };
        let (one, two) = (working(), working());
        let first = room.take(LARGE, &one).await;
        let second = room.take(LARGE, &two).await;
        one.enter(Stage::Answering);
        two.enter(Stage::Answering);
        let (third, fourth) = (peer(), peer());
        let mut large = std::pin::pin!(room.take(LARGE, &third));
        assert!(timeout(Duration::from_secs(1), &mut large).await.is_err());
        let mut small = std::pin::pin!(room.take(LARGE / 2, &fourth));
        assert!(timeout(Duration::from_secs(1), &mut small).await.is_err());
        drop(first);
        let small = small.await;
        assert!(timeout(Duration::from_secs(1), &mut large).await.is_err(), "there is too little");
        drop(second);
        let _ = (large.await, small);
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_slowly_loses_the_room_to_who_waits() {
        let room = Room::new();
        let (fast, slow) = (peer(), peer());
        let (fast_room, slow_room) = (room.take(LARGE, &fast).await, room.take(LARGE, &slow).await);
        let sends = tokio::spawn({
            let fast = Arc::clone(&fast);
            async move {
                loop {
                    fast.received(1 << 20);
                    sleep(Duration::from_millis(50)).await;
                }
            }
        });
        let gives_up = tokio::spawn(async move {
            slow.evicted().await;
            drop(slow_room);
        });
        let start = Instant::now();
        let _third = room.take(LARGE, &peer()).await;
        assert!(start.elapsed() < LOOKED_AT * 2, "{:?}", start.elapsed());
        gives_up.await.unwrap();
        assert!(timeout(Duration::from_secs(1), fast.evicted()).await.is_err());
        sends.abort();
        drop(fast_room);
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_waiting_takes_nothing() {
        let room = Room::new();
        for _ in 0..10 {
            let held = room.take(ALL, &peer()).await;
            let other = peer();
            assert!(timeout(LOOKED_AT / 10, room.take(ALL, &other)).await.is_err());
            drop(held);
            advance(LOOKED_AT).await;
        }
        assert_eq!(room.lock().free, ALL);
        assert!(room.lock().waiting.is_empty() && room.lock().holding.is_empty());
    }
}
