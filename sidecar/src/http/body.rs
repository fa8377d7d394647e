//! The body of an answer to `GET /metrics`: a text that is written, and where the client takes it
//! compressed, piece by piece as the client reads.

use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Frame};

use super::conversation::Conversation;
use crate::scrape::{Scraper, Text};

/// The next piece is written when this one is in the kernel: what one connection costs in memory.
const PIECE: usize = 32 * 1024;

/// How the text is sent.
#[derive(Debug)]
pub(super) enum Coding {
    /// As it is.
    Identity,
    /// Compressed; what is ready to be sent gathers behind the encoder.
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

impl Coding {
    /// Compression that is quick: the sidecar's CPU is the job's.
    pub(super) fn gzip() -> Self {
        Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::fast())))
    }
}

/// A page on its way.
#[derive(Debug)]
pub(super) struct MetricsBody {
    text: Text,
    coding: Coding,
    /// To be told when all of these last values is written.
    last_values: Option<Arc<Conversation>>,
    /// Bytes of text so far.
    written: usize,
    scraper: Arc<Scraper>,
}

impl MetricsBody {
    /// The body of that answer; the scraper is told when all of it is on its way, and a conversation
    /// when it is a page of last values.
    pub(super) const fn new(
        text: Text,
        coding: Coding,
        last_values: Option<Arc<Conversation>>,
        scraper: Arc<Scraper>,
    ) -> Self {
        Self { text, coding, last_values, written: 0, scraper }
    }

    /// The next bytes to send: some, until the text is at its end.
    fn piece(&mut self) -> Vec<u8> {
        loop {
            // The last line may go a little beyond.
            let mut text = Vec::with_capacity(PIECE + 512);
            self.text.write(PIECE, &mut text);
            self.written += text.len();
            let Coding::Gzip(encoder) = &mut self.coding else {
                return text;
            };
            // Writing into a `Vec` cannot fail.
            let _ = encoder.write_all(&text);
            if self.text.is_at_end() {
                let _ = encoder.try_finish();
            }
            let ready = std::mem::take(encoder.get_mut());
            if !ready.is_empty() || self.text.is_at_end() {
                return ready;
            }
        }
    }
}

impl Body for MetricsBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.text.is_at_end() {
            return Poll::Ready(None);
        }
        let piece = self.piece();
        if self.text.is_at_end() {
            // What the kernel does not have yet, the server sends before it ends.
            self.scraper.sent(self.written);
            if let Some(conversation) = &self.last_values {
                conversation.last_values_written();
            }
        }
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_at_end()
    }
}
