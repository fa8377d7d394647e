//! Accepting connections, so many and no more.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinSet};
use tracing::debug;

use super::connection;
use super::conversation::{Conversation, Ends, Peer};
use crate::shutdown::Shutdown;

/// Connections at a time. Beyond that the one whose client has been idle longest makes room; if none
/// is, more wait to be accepted, for seconds at most. Scrapers keep one each.
const CONNECTIONS: usize = 64;

/// How long answers that are on their way may take when the sidecar ends.
const DRAIN: Duration = Duration::from_secs(2);

/// A connection that is served.
#[derive(Debug)]
struct Served {
    task: Id,
    conversation: Arc<Conversation>,
    /// Told to leave, when it makes room.
    leave: Arc<Notify>,
    leaves: bool,
}

/// Accepts connections until `stop` says so; then lets the answers under way finish.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    shutdown: Arc<Shutdown>,
    stop: watch::Receiver<bool>,
) {
    let (mut connections, mut served) = (JoinSet::new(), Vec::<Served>::new());
    let mut stopped = stop.clone();
    let idle = Arc::<Notify>::default();
    let mut number = 0;
    loop {
        let has_room = connections.len() < CONNECTIONS || longest_idle(&mut served).is_some();
        tokio::select! {
            accepted = listener.accept(), if has_room => match accepted.and_then(ends) {
                Ok((stream, ends)) => {
                    if connections.len() >= CONNECTIONS
                        && let Some(oldest) = longest_idle(&mut served)
                    {
                        oldest.leaves = true;
                        oldest.leave.notify_one();
                    }
                    number += 1;
                    let conversation = Arc::new(Conversation::begin(Arc::clone(&idle)));
                    let address = ends.remote.ip().to_canonical();
                    let peer = Peer { connection: number, address, conversation: Arc::clone(&conversation) };
                    let leave = Arc::<Notify>::default();
                    let connection = connection::serve(
                        stream, ends, peer, app.clone(), Arc::clone(&shutdown), Arc::clone(&leave), stop.clone(),
                    );
                    let task = connections.spawn(connection).id();
                    served.push(Served { task, conversation, leave, leaves: false });
                }
                Err(error) => {
                    // Out of file descriptors, for one: trying at once again would only burn CPU.
                    debug!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(ended) = connections.join_next_with_id() => {
                let task = ended.map_or_else(|error| error.id(), |(task, ())| task);
                served.retain(|one| one.task != task);
            }
            // There may be room for one that waits.
            () = idle.notified(), if !has_room => {}
            () = said(&mut stopped) => break,
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        debug!("clients that did not read their answers in time are cut off");
    }
}

/// The two ends of what was accepted.
fn ends((stream, remote): (TcpStream, std::net::SocketAddr)) -> io::Result<(TcpStream, Ends)> {
    let local = stream.local_addr()?;
    Ok((stream, Ends { local, remote }))
}

/// The connection whose client has been idle longest, of those that do not leave already.
fn longest_idle(served: &mut [Served]) -> Option<&mut Served> {
    let idle = served.iter_mut().filter(|one| !one.leaves);
    let idle = idle.filter_map(|one| Some((one.conversation.idle_since()?, one)));
    idle.min_by_key(|(since, _)| *since).map(|(_, one)| one)
}

/// Returns when `stop` says so, or nobody is left to say it.
pub(crate) async fn said(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
