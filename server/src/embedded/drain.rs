//! Owns bodies that nobody reads: a request that is refused early still gets its body read, for a
//! while. Never knows why a request was refused.
//!
//! A server that answers and closes while the client is still sending makes the client's system
//! reset the connection and throw the answer away; a browser then reports a network error instead
//! of the refusal.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// The most that is read of a refused body: the largest part that the widget plans on a usual line.
const MOST_BYTES: u64 = 64 << 20;

/// The longest that a refused body is read.
const MOST_TIME: Duration = Duration::from_secs(30);

/// A request's body that can be taken back from a handler that did not read it.
pub(crate) struct Shared {
    body: Option<Incoming>,
    home: Home,
}

/// Where a body goes when its handler is done with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Home(Arc<Mutex<Option<Incoming>>>);

impl Shared {
    pub(crate) fn new(body: Incoming, home: Home) -> Self {
        Self { body: Some(body), home }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.home.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}

impl Body for Shared {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => {
                let frame = std::task::ready!(Pin::new(body).poll_frame(context));
                if !matches!(frame, Some(Ok(_))) {
                    self.body = None;
                }
                Poll::Ready(frame)
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Home {
    /// Reads what is left of the body, beside the answer that is being sent.
    pub(crate) fn drain(&self) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut body) = left {
            tokio::spawn(tokio::time::timeout(MOST_TIME, async move {
                let mut read = 0;
                while let Some(Ok(frame)) = body.frame().await {
                    read += frame.data_ref().map_or(0, |data| data.len() as u64);
                    if read > MOST_BYTES {
                        break;
                    }
                }
            }));
        }
    }
}
