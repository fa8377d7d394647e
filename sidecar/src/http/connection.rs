//! One connection, from its opening to its end.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tracing::debug;

use super::conversation::{Conversation, Ends, Peer};
use super::socket::Socket;
use crate::scrape::deadline;
use crate::shutdown::Shutdown;

/// Heads longer than this are answered with 431. Prometheus sends half a kilobyte.
const HEAD_BYTES: usize = 16 * 1024;

/// Serves one connection until the client closes it or takes too long, or `stop` says so, or, once
/// the client is idle, `make_room`.
pub(super) async fn serve(
    stream: TcpStream,
    ends: Ends,
    peer: Peer,
    app: Router,
    shutdown: Arc<Shutdown>,
    make_room: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    // Else the end of a small page waits until the client has acknowledged its head: 40 ms on
    // Linux.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "answers may be slow");
    }
    let Peer { connection, ref conversation, .. } = peer;
    let conversation = Arc::clone(conversation);
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |mut request: Request<Incoming>| {
        peer.conversation.asked();
        let patience = deadline::named(request.headers());
        let deadline = patience.map(|patience| tokio::time::Instant::now() + patience);
        request.extensions_mut().insert(peer.clone());
        let (app, conversation) = (app.clone(), Arc::clone(&peer.conversation));
        async move {
            let answer: Result<Response<Body>, _> = app.call(request).await;
            let lease = answer.as_ref().ok().and_then(|answer| answer.extensions().get().cloned());
            conversation.answers(deadline, lease);
            answer
        }
    });
    let socket = Socket::new(stream, ends, Arc::clone(&conversation));
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        // The conversation has time limits of its own.
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES)
        // A client that has said all (`nc -N`) still wants its answer.
        .half_close(true)
        .serve_connection(TokioIo::new(socket), service);
    let mut http = std::pin::pin!(http);
    let mut over = std::pin::pin!(conversation.over());
    let mut arrivals = std::pin::pin!(arrivals(&conversation, &shutdown, connection));
    let mut stopping = false;
    loop {
        tokio::select! {
            result = http.as_mut() => {
                match result {
                    // Who reads and closes has what it came for.
                    Ok(()) => arrival(&conversation, &shutdown, connection).await,
                    Err(error) => debug!(%error, "connection ended early"),
                }
                break;
            }
            () = over.as_mut() => {
                debug!("client took too long");
                break;
            }
            () = arrivals.as_mut() => {}
            () = told(&mut stop, &make_room), if !stopping => {
                stopping = true;
                http.as_mut().graceful_shutdown();
            }
        }
    }
    shutdown.closed(connection);
}

/// Returns when the connection is to end.
async fn told(stop: &mut watch::Receiver<bool>, make_room: &Notify) {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = make_room.notified() => {}
    }
}

/// Tells of each page of last values that has arrived; never returns.
async fn arrivals(conversation: &Conversation, shutdown: &Shutdown, connection: u64) {
    loop {
        conversation.has_sent().await;
        arrival(conversation, shutdown, connection).await;
    }
}

/// Tells of a page of last values that was sent, if there is one, when it has arrived.
async fn arrival(conversation: &Conversation, shutdown: &Shutdown, connection: u64) {
    let Some(delivery) = conversation.sent() else {
        return;
    };
    if delivery.has_arrived().await {
        shutdown.taken(connection);
    } else {
        debug!("the last values have not arrived");
    }
    conversation.settled(&delivery);
}
