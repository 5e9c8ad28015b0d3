//! CRC-64/NVME, sixteen bytes a step over tables made at first use.
//!
//! In WebAssembly, which has no instruction for it, no crate is faster, and each brings its tables as data, 32 KiB and more that
//! no compressor shrinks; made at run time they cost a few microseconds.

use std::sync::OnceLock;

use crate::Crc;

const POLYNOMIAL: u64 = Crc::CRC64NVME.polynomial();
const SLICES: usize = 16;

type Tables = [[u64; 256]; SLICES];

/// A CRC-64/NVME under way.
#[derive(Clone, Debug)]
pub struct Hasher {
    state: u64,
    tables: &'static Tables,
}

impl Hasher {
    /// Creates a checksum of no bytes yet.
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

    /// Returns the checksum of all bytes taken.
    #[must_use]
    pub const fn finish(&self) -> u64 {
        !self.state
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
