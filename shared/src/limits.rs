//! What S3 allows, and what Partway allows itself within that.
//!
//! S3's figures: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.

/// 1,024 bytes.
pub const KIB: u64 = 1 << 10;
/// 1,024 KiB.
pub const MIB: u64 = 1 << 20;
/// 1,024 MiB.
pub const GIB: u64 = 1 << 30;
/// 1,024 GiB.
pub const TIB: u64 = 1 << 40;

/// The smallest part but for the last, which may be of any size from one byte.
pub const MIN_PART_SIZE: u64 = 5 * MIB;
/// The largest part.
pub const MAX_PART_SIZE: u64 = 5 * GIB;
/// The most parts of one upload; part numbers run from 1 to this.
pub const MAX_PARTS: u32 = 10_000;
/// The largest object: every part the largest (48.8 TiB).
pub const MAX_OBJECT_SIZE: u64 = MAX_PARTS as u64 * MAX_PART_SIZE;
/// The largest object that one PUT can carry.
pub const MAX_SINGLE_PUT_SIZE: u64 = 5 * GIB;
/// The longest key, in bytes of UTF-8.
pub const MAX_KEY_BYTES: usize = 1_024;
/// The longest life of a presigned URL, in seconds (7 days).
pub const MAX_PRESIGN_SECONDS: u64 = 7 * 24 * 60 * 60;

/// Files in one create request.
pub const MAX_FILES_PER_CREATE: usize = 1_000;
/// Uploads in one request to complete several.
pub const MAX_UPLOADS_PER_COMPLETE: usize = 100;
/// Part numbers in one request for signatures.
pub const MAX_PARTS_PER_SIGN: usize = 1_000;
/// Objects in one request to sign for them.
pub const MAX_OBJECTS_PER_SIGN: usize = 1_000;
/// Objects in one request to look at them.
pub const MAX_OBJECTS_PER_LOOK: usize = 100;
/// Objects in one request to delete them, as S3 has it.
pub const MAX_OBJECTS_PER_DELETE: usize = 1_000;
/// Keys and prefixes in one page of a listing, as S3 has it.
pub const MAX_OBJECTS_PER_PAGE: u32 = 1_000;
/// The longest file name or relative path that a client may send, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 4_096;
/// A file up to this size is one PUT, unless configured otherwise.
pub const DEFAULT_SINGLE_PUT_MAX: u64 = 16 * MIB;
/// The part size wherever the file's size does not ask for a larger one:
/// 5 MiB parts cost a browser a third more CPU, 64 MiB parts a tenth less but
/// four times as much to send again after a cut.
pub const DEFAULT_PART_SIZE: u64 = 16 * MIB;
/// File bytes are read for hashing in pieces of at most this.
pub const HASH_CHUNK: u64 = MIB;
