//! Gates, which hold things up until they are opened, and the valve with which one gate holds up
//! whole connections. Never knows what passes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use super::lock;

/// Lets what it holds up pass when it is opened.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Default for Gate {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Gate {
    /// Lets everything pass, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn passed(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }

    fn is_open(&self) -> bool {
        *self.0.borrow()
    }
}

/// Where a gate stands that all connections of a proxy have to pass, if there is one.
pub(super) type Gateway = Arc<Mutex<Option<Gate>>>;

type Waiting = Option<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// A stream in which nothing moves while a closed gate stands in the gateway.
pub(super) struct Valve<S> {
    stream: S,
    gateway: Gateway,
    reading: Waiting,
    writing: Waiting,
}

impl<S> Valve<S> {
    pub(super) fn new(stream: S, gateway: &Gateway) -> Self {
        Self { stream, gateway: Arc::clone(gateway), reading: None, writing: None }
    }
}

fn poll_open(gateway: &Gateway, waiting: &mut Waiting, context: &mut Context<'_>) -> Poll<()> {
    loop {
        if let Some(passed) = waiting {
            ready!(passed.as_mut().poll(context));
            *waiting = None;
        }
        // Another gate may have taken the place of the one that was opened.
        let gate = lock(gateway).clone().filter(|gate| !gate.is_open());
        let Some(gate) = gate else { return Poll::Ready(()) };
        *waiting = Some(Box::pin(async move { gate.passed().await }));
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Valve<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(poll_open(&this.gateway, &mut this.reading, context));
        Pin::new(&mut this.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Valve<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(poll_open(&this.gateway, &mut this.writing, context));
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(poll_open(&this.gateway, &mut this.writing, context));
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(poll_open(&this.gateway, &mut this.writing, context));
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}
