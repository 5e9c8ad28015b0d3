//! Owns how a connection ends. Never knows requests.
//!
//! Closing a socket with unread bytes makes the system send a reset, on which the client's system discards an answer
//! that its program has not read yet. So the server's half is closed first, and what still comes is read for a
//! moment.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// How long a closing connection is read, and how much of it.
const MOST_TIME: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 64 << 20;

/// A stream that closes the server's half when it is dropped, and leaves the other half to a [`Linger`].
pub(crate) struct Stream {
    read: Arc<Mutex<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

/// The client's half of a connection.
pub(crate) struct Linger(Arc<Mutex<OwnedReadHalf>>);

/// Splits a connection.
pub(crate) fn split(stream: TcpStream) -> (Stream, Linger) {
    let (read, write) = stream.into_split();
    let read = Arc::new(Mutex::new(read));
    (Stream { read: Arc::clone(&read), write }, Linger(read))
}

impl Linger {
    /// Reads until the client closes, or the time is over. Call it after the [`Stream`] is dropped.
    pub(crate) async fn end(self) {
        let read = async {
            let mut bytes = vec![0; 16 << 10];
            let mut left = MOST_BYTES;
            while left > 0 {
                let read = std::future::poll_fn(|context| {
                    let mut buffer = ReadBuf::new(&mut bytes);
                    let read = poll_read(&self.0, context, &mut buffer);
                    read.map_ok(|()| buffer.filled().len())
                });
                match read.await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => left = left.saturating_sub(read),
                }
            }
        };
        // A client that is still sending then gets the reset.
        let _ = tokio::time::timeout(MOST_TIME, read).await;
    }
}

fn poll_read(
    half: &Mutex<OwnedReadHalf>,
    context: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    Pin::new(&mut *half.lock().unwrap_or_else(PoisonError::into_inner)).poll_read(context, buffer)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        poll_read(&self.read, context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.write).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.write).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.write.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_shutdown(context)
    }
}
