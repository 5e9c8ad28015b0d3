//! Hashing a part, a chunk at a time, so that its thread stays responsive and memory flat.

use partway_shared::checksum::{Checksum, ChecksumKind, PartHasher};
use partway_shared::limits::HASH_CHUNK;
use partway_shared::part::ByteRange;
use partway_shared::upload::SourceFailure;

use crate::chunks::Chunks;
use crate::environment::give_way;
use crate::source::Source;

/// Bytes taken in a row, in some 4 ms. From a fast disk one chunk can follow the other without
/// the thread's other tasks having had a turn.
const RUN: u64 = 4 * HASH_CHUNK;

/// The checksum of a part; `None` if it is no longer wanted, or of the kind that is none.
pub(crate) async fn hash(
    source: &Source,
    range: ByteRange,
    kind: ChecksumKind,
    is_wanted: impl Fn() -> bool,
) -> Result<Option<Checksum>, SourceFailure> {
    let Some(mut hasher) = PartHasher::new(kind) else { return Ok(None) };
    let mut buffer = vec![0; range.len().min(HASH_CHUNK) as usize];
    let mut chunks = Chunks::new(source, range)?;
    let mut run = 0;
    while let Some(bytes) = chunks.next().await? {
        if !is_wanted() {
            return Ok(None);
        }
        if let Some(chunk) = buffer.get_mut(..bytes.length() as usize) {
            bytes.copy_to(chunk);
            hasher.update(chunk);
        }
        run += u64::from(bytes.length());
        if run >= RUN {
            give_way().await;
            run = 0;
        }
    }
    Ok(Some(hasher.finish()))
}
