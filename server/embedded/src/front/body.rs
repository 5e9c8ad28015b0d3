//! Owns a request's body before its handler reads it: whether the client waits for `100 Continue`, how long it may
//! stall, what is observed while it passes, and what happens to the rest. Never knows why a request was refused.
//!
//! A server that answers and closes while the client is still sending makes the client's system reset the connection
//! and discard the answer; a browser then reports a network error instead of the refusal. So the rest of a body is
//! read for a while. The exception is a client that waits for `100 Continue` and was not sent it: no body comes, and
//! reading one would swallow the next request.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use s3s::StdError;
use tokio::time::{Instant, Sleep};

use crate::errors::Stalled;
use crate::seen::Seen;

/// The most that is read of a refused body, in bytes: the largest part that the widget plans on a usual line.
const MOST_BYTES: u64 = 64 << 20;

/// The longest that a refused body is read.
const MOST_TIME: Duration = Duration::from_secs(30);

/// A request's body that can be taken back from a handler that did not read it.
pub(crate) struct Watched {
    body: Option<Incoming>,
    home: Home,
    seen: Seen,
    stall: Duration,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
}

/// Where a body goes when its handler is done with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Home(Arc<Mutex<Left>>);

#[derive(Debug, Default)]
struct Left {
    body: Option<Incoming>,
    asked: bool,
    stalled: bool,
}

impl Watched {
    pub(crate) fn new(body: Incoming, home: Home, seen: Seen, stall: Duration) -> Self {
        let timer = Box::pin(tokio::time::sleep(stall));
        Self { body: Some(body), home, seen, stall, timer, waiting: false }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            self.home.left().body = Some(body);
        }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(body).poll_frame(context) else {
            if !this.waiting {
                this.home.left().asked = true;
                this.waiting = true;
                this.timer.as_mut().reset(Instant::now() + this.stall);
            }
            std::task::ready!(this.timer.as_mut().poll(context));
            this.body = None;
            this.home.left().stalled = true;
            return Poll::Ready(Some(Err(Stalled.into())));
        };
        this.waiting = false;
        match &frame {
            Some(Ok(frame)) => frame.data_ref().into_iter().for_each(|data| this.seen.data(data)),
            Some(Err(_)) => this.body = None,
            None => {
                this.body = None;
                this.seen.end();
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Home {
    /// Returns whether the body stalled until the timeout.
    pub(crate) fn has_stalled(&self) -> bool {
        self.left().stalled
    }

    /// Reads the rest of the body while the answer is being sent. Returns whether the connection has to close, since
    /// the beginning of the next request is unknown.
    pub(crate) fn settle(&self, awaits_continue: bool, stall: Duration) -> bool {
        let mut left = self.left();
        let (body, asked, stalled) = (left.body.take(), left.asked, left.stalled);
        drop(left);
        // Even where there is no body: boto3 takes what follows on such a connection for the rest of the answer.
        let never_continued = awaits_continue && !asked;
        match body {
            _ if never_continued => true,
            Some(body) => {
                tokio::spawn(tokio::time::timeout(MOST_TIME, drain(body, stall)));
                false
            }
            None => stalled,
        }
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn drain(mut body: Incoming, stall: Duration) {
    let mut read = 0;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(stall, body.frame()).await {
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
        if read > MOST_BYTES {
            break;
        }
    }
}
