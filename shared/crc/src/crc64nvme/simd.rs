//! CRC-64/NVME by the processor's own instructions, of which `crc-fast` finds out which there are.

use crc_fast::{CrcAlgorithm, Digest};

/// A CRC-64/NVME under way. What `crc-fast` keeps of one is some 300 bytes, for all kinds of CRCs.
#[derive(Clone, Debug)]
pub struct Hasher(Box<Digest>);

impl Hasher {
    /// Creates a checksum of no bytes yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Box::new(Digest::new(CrcAlgorithm::Crc64Nvme)))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the checksum of all bytes taken.
    #[must_use]
    pub fn finish(&self) -> u64 {
        self.0.finalize()
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}
