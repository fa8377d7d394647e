//! A connection on which nobody is waited for too long, whatever they do.
//!
//! ```text
//! open --first byte--> request --answer--> idle --first byte--> request ...
//!  |                      |                  |
//!  first                  request            idle        the limit in each state
//! ```

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::peer::{Peer, Stage};

/// How long a client is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// From the end of the handshake to the first byte. API servers open a connection when they have
    /// something to send.
    pub first: Duration,
    /// From the first byte of a request to its answer; and for the client to take any more of that.
    pub request: Duration,
    /// From an answer to the next request.
    pub idle: Duration,
}

/// A stream that fails with [`io::ErrorKind::TimedOut`] when a time is over.
#[derive(Debug)]
pub(super) struct TimedStream<S> {
    stream: S,
    timeouts: Timeouts,
    /// Is told what happens.
    peer: Arc<Peer>,
    /// Whether some of a request has come that is not answered yet.
    in_request: bool,
    /// When it is over.
    deadline: Pin<Box<Sleep>>,
    /// Whether the client has kept an answer waiting, and so since when.
    writing: bool,
}

impl<S> TimedStream<S> {
    /// A stream that was just opened.
    pub(super) fn new(stream: S, timeouts: Timeouts, peer: Arc<Peer>) -> Self {
        let deadline = Box::pin(sleep(timeouts.first));
        Self { stream, timeouts, peer, in_request: false, deadline, writing: false }
    }

    fn wait(&mut self, time: Duration) {
        self.deadline.as_mut().reset(Instant::now() + time);
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }

    /// What the stream said to an attempt to write.
    fn wrote<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.writing = false;
            self.in_request = false;
            self.peer.enter(Stage::Idle);
            self.wait(self.timeouts.idle);
            return result;
        }
        if !self.writing {
            self.writing = true;
            self.peer.enter(Stage::Sending);
            self.wait(self.timeouts.request);
        }
        self.is_over(context).map(Err)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            let bytes = buffer.filled().len() - before;
            if bytes > 0 {
                self.peer.received(bytes);
            }
            if bytes > 0 && !self.in_request {
                self.in_request = true;
                let time = self.timeouts.request;
                self.wait(time);
            }
            return Poll::Ready(result);
        }
        self.is_over(context).map(Err)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(context) {
            // TLS takes what is written into a buffer; the client has it only now.
            Poll::Ready(result) if self.writing => self.wrote(context, Poll::Ready(result)),
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => self.wrote(context, Poll::Pending),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_shutdown(context) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => self.wrote(context, Poll::Pending),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const TIMEOUTS: Timeouts = Timeouts {
        first: Duration::from_secs(5),
        request: Duration::from_secs(15),
        idle: Duration::from_mins(2),
    };

    /// How long the server waits, in seconds of a clock that only moves while all wait.
    async fn waited(operation: impl Future<Output = io::Result<usize>>) -> u64 {
        let start = Instant::now();
        assert_eq!(operation.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_is_let_go_soon() {
        let (_client, server) = duplex(64);
        let mut server = TimedStream::new(server, TIMEOUTS, Arc::default());
        assert_eq!(waited(server.read(&mut [0; 8])).await, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_its_time_however_slowly_it_trickles_in() {
        let (mut client, server) = duplex(64);
        let mut server = TimedStream::new(server, TIMEOUTS, Arc::default());
        let trickle = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                sleep(Duration::from_secs(4)).await;
            }
        });
        let all = async {
            loop {
                let _ = server.read(&mut [0; 8]).await?;
            }
        };
        assert_eq!(waited(all).await, 15);
        trickle.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_there_is_more_time_than_before_the_first() {
        let (mut client, server) = duplex(64);
        let mut server = TimedStream::new(server, TIMEOUTS, Arc::default());
        client.write_all(b"request").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 7);
        server.write_all(b"answer").await.unwrap();
        sleep(Duration::from_secs(100)).await;
        client.write_all(b"request").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 7);
        server.write_all(b"answer").await.unwrap();
        assert_eq!(waited(server.read(&mut [0; 8])).await, 120);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_take_its_answer_is_let_go() {
        let (mut client, server) = duplex(64);
        let mut server = TimedStream::new(server, TIMEOUTS, Arc::default());
        client.write_all(b"request").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 7);
        let more_than_fits = [0; 1000];
        assert_eq!(waited(async { server.write_all(&more_than_fits).await.map(|()| 0) }).await, 15);
    }
}
