//! Files of random bytes, the same for the same seed.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// A file on the disk, and what its content should be.
#[derive(Clone, Debug)]
pub struct RandomFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
}

impl RandomFile {
    /// Writes a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(folder: &Path, name: &str, size: u64, seed: u64) -> Result<Self> {
        let path = folder.join(name);
        let mut file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        let mut sha256 = Sha256::new();
        let mut random = SplitMix(seed);
        let mut chunk = vec![0; 1 << 20];
        let mut left = size;
        while left > 0 {
            random.fill(&mut chunk);
            let length = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
            file.write_all(&chunk[..length]).with_context(|| format!("writing {}", path.display()))?;
            sha256.update(&chunk[..length]);
            left -= length as u64;
        }
        Ok(Self { path, size, sha256: sha256.finalize().into() })
    }

    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }
}

/// `SplitMix64`: as fast as the disk, and no byte like its neighbours.
struct SplitMix(u64);

impl SplitMix {
    fn fill(&mut self, chunk: &mut [u8]) {
        for word in chunk.as_chunks_mut().0 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *word = (mixed ^ (mixed >> 31)).to_le_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_seed_gives_its_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name, seed| RandomFile::create(folder.path(), name, 3_000_001, seed).unwrap();
        let (a, again, b) = (make("a", 1), make("again", 1), make("b", 2));
        assert_eq!(a.sha256, again.sha256);
        assert_ne!(a.sha256, b.sha256);
        let content = fs::read(&a.path).unwrap();
        assert_eq!(content.len(), 3_000_001);
        assert_eq!(a.sha256, <[u8; 32]>::from(Sha256::digest(&content)));
    }
}
