//! Owns the way of stored bytes into an answer: piece by piece from blocking threads, one piece ahead of the socket.
//! Never knows requests.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use s3s::StdError;
use s3s::dto::StreamingBlob;
use s3s::stream::{ByteStream, RemainingLength};
use tokio::task::{JoinHandle, spawn_blocking};

use super::contents::{ContentId, Contents, Pinned};
use super::index::Segment;
use super::range::Stretch;

/// How many bytes are read at once; each answer holds two such pieces at a time.
const PIECE: u64 = 512 << 10;

/// Bytes of an object that can be read even if the object is replaced or deleted meanwhile.
#[derive(Debug)]
pub(crate) struct Reading {
    pieces: VecDeque<Piece>,
    open: Option<(File, u64)>,
    pinned: Pinned,
}

#[derive(Debug)]
struct Piece {
    content: ContentId,
    start: u64,
    len: u64,
}

impl Reading {
    /// Pins the contents of `stretch`. Call it in the read of the index.
    pub(crate) fn new(contents: &Arc<Contents>, segments: &[Segment], stretch: Stretch) -> Self {
        let end = stretch.start + stretch.len;
        let mut pieces = VecDeque::new();
        let mut offset = 0;
        for segment in segments {
            let (from, to) = (stretch.start.max(offset), end.min(offset + segment.len));
            if let Some(content) = segment.content
                && from < to
            {
                pieces.push_back(Piece { content, start: from - offset, len: to - from });
            }
            offset += segment.len;
        }
        let pinned = contents.pin(pieces.iter().map(|piece| piece.content).collect());
        Self { pieces, open: None, pinned }
    }

    /// Returns the bytes as a body.
    pub(crate) fn into_body(self) -> StreamingBlob {
        let left = self.pieces.iter().map(|piece| piece.len).sum();
        StreamingBlob::new(Pieces { next: Some(read_ahead(self)), left })
    }

    /// Reads the next bytes; empty at the end. Blocks.
    fn read(&mut self) -> io::Result<Bytes> {
        let (mut file, left) = match self.open.take() {
            Some(open) => open,
            None => match self.pieces.pop_front() {
                Some(piece) => {
                    let mut file = self.pinned.contents().read(piece.content)?;
                    file.seek(SeekFrom::Start(piece.start))?;
                    (file, piece.len)
                }
                None => return Ok(Bytes::new()),
            },
        };
        let len = left.min(PIECE);
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or_default());
        let read = (&mut file).take(len).read_to_end(&mut bytes)?;
        if read as u64 != len {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a content file is shorter than its record",
            ));
        }
        if left > len {
            self.open = Some((file, left - len));
        }
        Ok(bytes.into())
    }
}

fn read_ahead(mut reading: Reading) -> JoinHandle<(Reading, io::Result<Bytes>)> {
    spawn_blocking(move || {
        let bytes = reading.read();
        (reading, bytes)
    })
}

/// The stream of pieces.
struct Pieces {
    next: Option<JoinHandle<(Reading, io::Result<Bytes>)>>,
    left: u64,
}

impl Stream for Pieces {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.next else {
            return Poll::Ready(None);
        };
        let result = std::task::ready!(Pin::new(next).poll(context));
        self.next = None;
        let (reading, bytes) = match result {
            Ok((reading, Ok(bytes))) => (reading, bytes),
            Ok((_, Err(error))) => {
                tracing::error!(%error, "an object could not be read to its end");
                return Poll::Ready(Some(Err(error.into())));
            }
            Err(error) => return Poll::Ready(Some(Err(error.into()))),
        };
        self.left = self.left.saturating_sub(bytes.len() as u64);
        if self.left > 0 {
            self.next = Some(read_ahead(reading));
        }
        Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
    }
}

impl ByteStream for Pieces {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.left).map_or_else(|_| RemainingLength::unknown(), RemainingLength::new_exact)
    }
}
