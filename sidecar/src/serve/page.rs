//! The body of an answer to `GET /metrics`: a text that is written piece by piece, as the client
//! takes it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};

use crate::scrape::{Scraper, Text};

/// The next piece is written when this one is in the kernel: what one connection costs in memory.
const PIECE: usize = 32 * 1024;

/// A page on its way.
#[derive(Debug)]
pub(super) struct Page {
    text: Text,
    is_final: bool,
    sent: usize,
    scraper: Arc<Scraper>,
}

impl Page {
    /// The body of that answer; the scraper is told when all of it is on its way.
    pub(super) const fn new(text: Text, is_final: bool, scraper: Arc<Scraper>) -> Self {
        Self { text, is_final, sent: 0, scraper }
    }
}

impl Body for Page {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.text.is_at_end() {
            return Poll::Ready(None);
        }
        // The last line may go a little beyond.
        let mut piece = Vec::with_capacity(PIECE + 512);
        self.text.write(PIECE, &mut piece);
        self.sent += piece.len();
        if self.text.is_at_end() {
            // What the kernel does not have yet, the server sends before it ends.
            self.scraper.sent(self.sent, self.is_final);
        }
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_at_end()
    }
}
