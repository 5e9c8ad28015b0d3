//! CRC-64/NVME, sixteen bytes a step over tables made at first use.
//!
//! The well-kept crates carry their tables as data: 32 KiB and more that no
//! compressor shrinks, in a module that every page downloads. Made at run time
//! they cost a few microseconds instead. `crc64fast-nvme` is the oracle in the tests.

use std::sync::OnceLock;

use super::Crc64Nvme;

/// The polynomial, lowest power in the highest bit.
pub(super) const POLYNOMIAL: u64 = 0x9a6c_9329_ac4b_c9b5;

const SLICES: usize = 16;

type Tables = [[u64; 256]; SLICES];

/// A CRC-64/NVME under way.
#[derive(Clone, Debug)]
pub struct Hasher {
    state: u64,
    tables: &'static Tables,
}

impl Hasher {
    /// A checksum of no bytes yet.
    #[must_use]
    pub fn new() -> Self {
        static TABLES: OnceLock<Box<Tables>> = OnceLock::new();
        Self { state: !0, tables: TABLES.get_or_init(tables) }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let (steps, rest) = bytes.as_chunks::<SLICES>();
        let tables = self.tables;
        for step in steps {
            let (low, high) = step.split_at(8);
            let low = little_endian(low) ^ self.state;
            let high = little_endian(high);
            // Byte `i` has `15 - i` bytes of the step after it, hence its table.
            let mut next = 0;
            for i in 0..8 {
                next ^= tables[15 - i][byte(low, i)];
                next ^= tables[7 - i][byte(high, i)];
            }
            self.state = next;
        }
        for &b in rest {
            self.state = (self.state >> 8) ^ tables[0][usize::from(b ^ self.state.to_le_bytes()[0])];
        }
    }

    /// The checksum of all bytes taken.
    #[must_use]
    pub const fn finish(&self) -> Crc64Nvme {
        Crc64Nvme(!self.state)
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

const fn byte(word: u64, index: usize) -> usize {
    (word >> (8 * index)) as usize & 0xff
}

/// `tables[k][b]` is what byte `b` followed by `k` zero bytes adds to the state.
fn tables() -> Box<Tables> {
    let mut tables = Box::new([[0; 256]; SLICES]);
    for b in 0..256 {
        let mut crc = b as u64;
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
        }
        tables[0][b] = crc;
    }
    for k in 1..SLICES {
        for b in 0..256 {
            let previous = tables[k - 1][b];
            tables[k][b] = (previous >> 8) ^ tables[0][byte(previous, 0)];
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn oracle(bytes: &[u8]) -> Crc64Nvme {
        let mut digest = crc64fast_nvme::Digest::new();
        digest.write(bytes);
        Crc64Nvme(digest.sum64())
    }

    proptest! {
        #[test]
        fn equals_the_oracle_however_it_is_cut(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            cut in any::<prop::sample::Index>(),
        ) {
            let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
            let mut hasher = Hasher::new();
            hasher.update(head);
            hasher.update(tail);
            prop_assert_eq!(hasher.finish(), oracle(&bytes));
        }
    }
}
