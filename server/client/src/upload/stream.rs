//! A stream that is uploaded: read once, in order, and kept until it is released. Reading blocks.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use partway_shared::checksum::{Checksum, ChecksumKind, PartHasher};
use partway_shared::part::ByteRange;
use partway_shared::transfer::SourceFailure;
use partway_shared::upload::PartRead;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::memory::{CHUNK, Memory};

/// A stream, and what of it was read and is not released yet.
pub(super) struct Stream {
    /// Held for as long as it is read, which may be long.
    reader: Mutex<Reader>,
    kept: Mutex<Kept>,
}

struct Reader {
    from: Box<dyn Read + Send>,
    has_ended: bool,
}

#[derive(Default)]
struct Kept {
    /// By the place of the first byte; the machine says how much there may be.
    chunks: BTreeMap<u64, Bytes>,
    read_to: u64,
}

impl Stream {
    pub(super) fn new(from: Box<dyn Read + Send>) -> Self {
        Self { reader: Mutex::new(Reader { from, has_ended: false }), kept: Mutex::default() }
    }

    /// Reads on until these bytes are there, or the stream has ended. `None` if they are not wanted any more; what was read stays.
    pub(super) fn read(
        &self,
        memory: &Arc<Memory>,
        range: ByteRange,
        kind: ChecksumKind,
        mut stop: oneshot::Receiver<()>,
    ) -> Option<Result<PartRead, SourceFailure>> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let read_to = self.lock().read_to;
            if read_to >= range.end || reader.has_ended {
                let end = read_to.clamp(range.start, range.end);
                let range = ByteRange { start: range.start, end };
                let is_last = reader.has_ended && read_to == end;
                return Some(Ok(PartRead { len: range.len(), checksum: self.hash(range, kind), is_last }));
            }
            if stop.try_recv() != Err(TryRecvError::Empty) {
                return None;
            }
            let len = usize::try_from(range.end - read_to).map_or(CHUNK, |left| left.min(CHUNK));
            let mut buffer = memory.buffer(len);
            match fill(&mut reader, buffer.as_mut()) {
                Ok(0) => {}
                Ok(count) => {
                    let mut kept = self.lock();
                    kept.chunks.insert(read_to, buffer.into_bytes().slice(..count));
                    kept.read_to = read_to + count as u64;
                }
                Err(failure) => return Some(Err(failure)),
            }
        }
    }

    /// Hashes bytes that were read; nothing where no checksum is asked for.
    pub(super) fn hash(&self, range: ByteRange, kind: ChecksumKind) -> Option<Checksum> {
        let mut hasher = PartHasher::new(kind)?;
        for bytes in self.bytes(range) {
            hasher.update(&bytes);
        }
        Some(hasher.finish())
    }

    /// Returns bytes that were read, without a copy.
    pub(super) fn bytes(&self, range: ByteRange) -> Vec<Bytes> {
        let kept = self.lock();
        let before = kept.chunks.range(..range.start).next_back();
        let within = kept.chunks.range(range.start..range.end);
        before.into_iter().chain(within).map(|(&at, bytes)| part_of(at, bytes, range)).collect()
    }

    /// Lets go of bytes.
    pub(super) fn release(&self, range: ByteRange) {
        let mut kept = self.lock();
        let before = kept.chunks.range(..range.start).next_back().map(|(&at, _)| at);
        let within = kept.chunks.range(range.start..range.end).map(|(&at, _)| at);
        let touched: Vec<_> = before.into_iter().chain(within).collect();
        for at in touched {
            let Some(bytes) = kept.chunks.remove(&at) else { continue };
            let end = at + bytes.len() as u64;
            for rest in [
                ByteRange { start: at, end: end.min(range.start) },
                ByteRange { start: at.max(range.end), end },
            ] {
                if rest.start < rest.end {
                    kept.chunks.insert(rest.start, part_of(at, &bytes, rest));
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a chunk that lies within a range.
fn part_of(at: u64, bytes: &Bytes, range: ByteRange) -> Bytes {
    let place = |at_least: u64| {
        let within = at_least.saturating_sub(at).min(bytes.len() as u64);
        usize::try_from(within).unwrap_or(bytes.len())
    };
    let (start, end) = (place(range.start), place(range.end));
    bytes.slice(start..end.max(start))
}

/// Fills a buffer, unless the stream ends before that. Returns how many bytes there are.
fn fill(reader: &mut Reader, buffer: &mut [u8]) -> Result<usize, SourceFailure> {
    let mut count = 0;
    while let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match reader.from.read(rest) {
            Ok(0) => {
                reader.has_ended = true;
                break;
            }
            Ok(more) => count += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(SourceFailure::Unreadable),
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> ByteRange {
        ByteRange { start, end }
    }

    fn text(stream: &Stream, range: ByteRange) -> String {
        String::from_utf8(stream.bytes(range).concat()).unwrap()
    }

    fn read(stream: &Stream, range: ByteRange) -> (u64, bool) {
        let (_sender, stop) = oneshot::channel();
        let read = stream.read(&Memory::new(0), range, ChecksumKind::Crc64Nvme, stop).unwrap().unwrap();
        (read.len, read.is_last)
    }

    #[test]
    fn it_is_read_once_and_kept_until_it_is_released() {
        let stream = Stream::new(Box::new(&b"abcdefghij"[..]));
        assert_eq!(read(&stream, range(0, 4)), (4, false));
        assert_eq!(read(&stream, range(0, 3)), (3, false), "it is there already");
        assert_eq!(read(&stream, range(3, 7)), (4, false));
        assert_eq!(text(&stream, range(2, 6)), "cdef");
        stream.release(range(3, 5));
        assert_eq!(text(&stream, range(0, 3)), "abc");
        assert_eq!(text(&stream, range(5, 7)), "fg");
        assert_eq!(read(&stream, range(7, 10)), (3, false), "nobody knows yet that nothing follows");
        assert_eq!(read(&stream, range(10, 14)), (0, true));
        let whole = Stream::new(Box::new(&b"abc"[..]));
        assert_eq!(read(&whole, range(0, 8)), (3, true));
        assert_eq!(whole.hash(range(0, 3), ChecksumKind::None), None);
        assert_eq!(read(&Stream::new(Box::new(&b""[..])), range(0, 8)), (0, true));
    }

    #[test]
    fn what_is_not_wanted_any_more_is_not_read() {
        let stream = Stream::new(Box::new(&b"abc"[..]));
        let (sender, stop) = oneshot::channel();
        drop(sender);
        assert!(stream.read(&Memory::new(0), range(0, 3), ChecksumKind::None, stop).is_none());
    }
}
