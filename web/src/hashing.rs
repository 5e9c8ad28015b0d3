//! Hashing a part, a chunk at a time, so that the page stays responsive and memory flat.

use partway_shared::checksum::{Crc64Nvme, Hasher};
use partway_shared::limits::HASH_CHUNK;
use partway_shared::part::ByteRange;
use partway_shared::upload::SourceFailure;

use crate::source::Source;

/// The checksum of a part; `None` if it is no longer wanted.
pub(crate) async fn hash(
    source: &Source,
    range: ByteRange,
    is_wanted: impl Fn() -> bool,
) -> Option<Result<Crc64Nvme, SourceFailure>> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; range.len().min(HASH_CHUNK) as usize];
    let mut start = range.start;
    while start < range.end {
        let end = range.end.min(start + HASH_CHUNK);
        let bytes = match source.read(ByteRange { start, end }).await {
            Ok(bytes) => bytes,
            Err(failure) => return Some(Err(failure)),
        };
        if !is_wanted() {
            return None;
        }
        if let Some(chunk) = buffer.get_mut(..bytes.length() as usize) {
            bytes.copy_to(chunk);
            hasher.update(chunk);
        }
        start = end;
    }
    Some(Ok(hasher.finish()))
}
