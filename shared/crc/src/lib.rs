//! The CRCs of S3: CRC-64/NVME of bytes, and any of them combined from those of parts.
//!
//! It owns the arithmetic, and is a crate of its own so that it is compiled for speed where all else is compiled for size. It
//! never knows how a checksum is written, nor what it is for.

mod combine;
mod crc64nvme;

pub use combine::Crc;
pub use crc64nvme::Hasher;
