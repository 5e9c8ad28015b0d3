//! Where bytes go: a file, or a consumer behind a buffer. Both notice what no sink should ever see.

use std::collections::BTreeMap;

use partway_shared::download::Partial;

/// A file's sink.
#[derive(Debug)]
pub(crate) enum Target {
    /// A file, with which of its bytes were written since it was opened.
    File { bytes: Vec<u8>, written: Vec<bool> },
    /// What has come early, by its place, and what the consumer was given.
    Stream { window: u64, early: BTreeMap<u64, Vec<u8>>, given: Vec<u8>, taken: u64 },
}

impl Target {
    pub(crate) fn file() -> Self {
        Self::File { bytes: Vec::new(), written: Vec::new() }
    }

    pub(crate) const fn stream(window: u64) -> Self {
        Self::Stream { window, early: BTreeMap::new(), given: Vec::new(), taken: 0 }
    }

    pub(crate) fn open(&mut self, size: u64, keeps: bool) {
        let size = usize::try_from(size).unwrap();
        match self {
            Self::File { bytes, written } => {
                bytes.resize(size, 0);
                if !keeps {
                    written.clear();
                }
                written.resize(size, false);
            }
            Self::Stream { early, given, .. } => {
                assert!(!keeps && given.is_empty(), "what was given out cannot be taken back");
                early.clear();
            }
        }
    }

    /// After a crash, only what is in the journal counts.
    pub(crate) fn crash(&mut self, kept: Option<&Partial>) {
        match self {
            Self::File { written, .. } => {
                written.fill(false);
                for range in kept.into_iter().flat_map(|kept| &kept.ranges) {
                    let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
                    written[range].fill(true);
                }
            }
            Self::Stream { window, .. } => *self = Self::stream(*window),
        }
    }

    pub(crate) fn write(&mut self, offset: u64, piece: &[u8]) {
        assert!(!piece.is_empty());
        let end = offset + piece.len() as u64;
        match self {
            Self::File { bytes, written } => {
                let range = usize::try_from(offset).unwrap()..usize::try_from(end).unwrap();
                assert!(written[range.clone()].iter().all(|&written| !written), "bytes are given out twice");
                written[range.clone()].fill(true);
                bytes[range].copy_from_slice(piece);
            }
            Self::Stream { window, early, given, taken } => {
                assert!(end - *taken <= *window, "{} bytes are held, and {window} may be", end - *taken);
                assert!(offset >= given.len() as u64, "bytes are given out twice");
                let before = early.range(..end).next_back();
                assert!(before.is_none_or(|(at, bytes)| at + bytes.len() as u64 <= offset), "twice");
                early.insert(offset, piece.to_vec());
                while let Some(next) = early.remove(&(given.len() as u64)) {
                    given.extend(next);
                }
            }
        }
    }

    /// The consumer takes what it was given, up to so many bytes. Returns up to where, if that is news.
    pub(crate) fn take(&mut self, most: u64) -> Option<u64> {
        let Self::Stream { given, taken, .. } = self else { return None };
        let next = (given.len() as u64).min(*taken + most);
        (next > *taken).then(|| {
            *taken = next;
            next
        })
    }

    /// Whether the consumer has taken all that it was given.
    pub(crate) fn is_taken(&self) -> bool {
        match self {
            Self::File { written, .. } => written.iter().all(|&written| written),
            Self::Stream { given, taken, early, .. } => early.is_empty() && *taken == given.len() as u64,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::File { bytes, .. } => bytes,
            Self::Stream { given, .. } => given,
        }
    }
}
