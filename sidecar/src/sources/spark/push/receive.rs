//! The receiver's sockets.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use memchr::{memchr, memrchr};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Store;
use super::store::Connection;
use crate::sources::spark::Reason;

/// How many connections are open at once; an executor has one.
const MAX_CONNECTIONS: usize = 16;

/// How long a connection may say nothing. `GraphiteReporter` opens a new one each period.
const IDLE: Duration = Duration::from_mins(10);

/// Longest line; a listener's class in a name makes about 200 bytes.
const MAX_LINE: usize = 4096;

/// How long to wait after the system refused a connection, for want of file descriptors perhaps.
const PAUSE: Duration = Duration::from_millis(100);

/// Receives what executors push, for ever.
///
/// A connection beyond the 16th is closed at once, one that says nothing for 10 minutes too;
/// Spark opens another for its next report.
pub async fn serve(listener: TcpListener, store: Arc<Store>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::debug!(%error, "an executor's push was not accepted");
                sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::debug!("an executor's push was closed: {MAX_CONNECTIONS} are open");
            continue;
        };
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            if let Err(error) = receive(socket, &store, IDLE).await {
                tracing::debug!(%error, "an executor's push ended");
            }
            drop(place);
        });
    }
}

/// Reads lines until the other side ends, fails or says nothing for `idle`.
pub(super) async fn receive(
    socket: impl AsyncRead + Unpin,
    store: &Store,
    idle: Duration,
) -> io::Result<()> {
    let mut connection = Connection::default();
    store.begin();
    let end = read(socket, store, &mut connection, idle).await;
    store.end(connection, Instant::now());
    end
}

async fn read(
    mut socket: impl AsyncRead + Unpin,
    store: &Store,
    connection: &mut Connection,
    idle: Duration,
) -> io::Result<()> {
    let mut buffer = vec![0; MAX_LINE];
    // How much of the buffer is the beginning of a line, and whether its end is to be skipped.
    let (mut begun, mut skips) = (0, false);
    loop {
        let Some(free) = buffer.get_mut(begun..) else {
            return Ok(());
        };
        let read = timeout(idle, socket.read(free)).await.map_err(io::Error::from)??;
        if read == 0 {
            // Half a line may end in half a number. It is nobody's fault, and not counted as one: a JVM
            // that is killed while it reports leaves such an end.
            return Ok(());
        }
        let filled = begun + read;
        let mut lines = &buffer[..filled];
        if skips {
            let end = memchr(b'\n', lines);
            lines = end.map_or(&[], |end| &lines[end + 1..]);
            skips = end.is_none();
        }
        if let Some(last) = memrchr(b'\n', lines) {
            let whole = &lines[..last];
            store.take_some(connection, whole.split(|byte| *byte == b'\n'), Instant::now());
            lines = &lines[last + 1..];
        }
        begun = lines.len();
        if begun == buffer.len() {
            store.bad(Reason::TooLong);
            (begun, skips) = (0, true);
        }
        buffer.copy_within(filled - begun..filled, 0);
    }
}
