//! What the machine asks its driver to do, and what a driver tells of an answer.

use crate::part::{ByteRange, ETag};
use crate::transfer::{FileId, JobId};
use crate::wire::{ObjectName, ResponseHeaders, SignObjects};

/// An object to download.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewDownload {
    /// Which one.
    pub object: ObjectName,
    /// What the store's answer is to say of it, instead of what is stored with it.
    pub response: ResponseHeaders,
    /// Where its bytes go.
    pub sink: Sink,
}

/// How the driver can write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sink {
    /// Anywhere in a file, in any order.
    #[default]
    Random,
    /// One byte after the other, to a pipe or a stream.
    Ordered {
        /// The most bytes that the driver holds, from the first that the consumer has not taken.
        window_bytes: u64,
    },
}

/// Work for the driver. [How a driver runs it](super#how-a-driver-runs-it) says more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask Partway's server, then [`Downloader::handle_call_done`].
    ///
    /// [`Downloader::handle_call_done`]: super::Downloader::handle_call_done
    Call {
        /// The work's name.
        job: JobId,
        /// What to ask.
        call: SignObjects,
    },
    /// Make room for a file of this size. No outcome is expected.
    Open {
        /// Which file.
        file: FileId,
        /// Its size in bytes.
        size: u64,
        /// Whether what was written of it before the machine was restored stays.
        keeps: bool,
    },
    /// GET from the store: [`Downloader::handle_get_head`] when the answer begins, [`Downloader::handle_get_data`] for its body,
    /// then [`Downloader::handle_get_done`].
    ///
    /// [`Downloader::handle_get_head`]: super::Downloader::handle_get_head
    /// [`Downloader::handle_get_data`]: super::Downloader::handle_get_data
    /// [`Downloader::handle_get_done`]: super::Downloader::handle_get_done
    Get {
        /// The work's name.
        job: JobId,
        /// For which file.
        file: FileId,
        /// Which bytes; all, without a `Range` header, where that is none.
        range: Option<ByteRange>,
        /// Where from.
        url: String,
    },
    /// Close the file, which is whole, then [`Downloader::handle_save_done`].
    ///
    /// [`Downloader::handle_save_done`]: super::Downloader::handle_save_done
    Save {
        /// The work's name.
        job: JobId,
        /// Which file.
        file: FileId,
    },
    /// Give up this work. No outcome is expected; one that comes all the same is ignored.
    Stop {
        /// The work's name.
        job: JobId,
    },
}

/// Returns the value of the header `Range` for these bytes, of which there must be one at least.
#[must_use]
pub fn range_header(range: ByteRange) -> String {
    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
}

/// How the store's answer to a GET begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status: 200 or 206.
    pub status: u16,
    /// The header `ETag`, if it could be read.
    pub etag: Option<ETag>,
    /// The header `Content-Range`, if it could be read.
    pub content_range: Option<String>,
}

impl Head {
    /// Returns the first byte of a `Content-Range` and, if it is known, the object's size.
    pub(super) fn range(&self) -> Option<(u64, Option<u64>)> {
        let (range, size) = self.content_range.as_deref()?.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, _) = range.split_once('-')?;
        Some((first.trim().parse().ok()?, size.trim().parse().ok()))
    }
}

/// Bytes for the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The place of the first, from the object's beginning.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_and_read() {
        assert_eq!(range_header(ByteRange { start: 5, end: 10 }), "bytes=5-9");
        let range = |text: &str| Head { content_range: Some(text.to_owned()), ..Head::default() }.range();
        assert_eq!(range("bytes 5-9/20"), Some((5, Some(20))));
        assert_eq!(range("bytes 5-9/*"), Some((5, None)));
        for other in ["", "bytes", "bytes */20", "bytes=5-9/20", "items 5-9/20", "bytes x-9/20"] {
            assert_eq!(range(other), None, "{other}");
        }
        assert_eq!(Head::default().range(), None);
    }
}
