//! Owns the arithmetic that joins the CRCs of two neighbouring pieces into the CRC of both, without
//! their bytes. Never knows S3, nor how a CRC is computed from bytes.
//!
//! Appending n zero bytes multiplies a CRC, seen as a polynomial over GF(2), by x^(8n). With
//! all-ones as initial value and final XOR, as all three CRCs here have them, `crc(AB) = crc(A) ·
//! x^(8·len(B)) + crc(B)`.

/// A CRC by its width in bits and its bit-reversed polynomial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crc {
    width: u32,
    polynomial: u64,
}

impl Crc {
    pub(crate) const CRC32: Self = Self { width: 32, polynomial: 0xedb8_8320 };
    pub(crate) const CRC32C: Self = Self { width: 32, polynomial: 0x82f6_3b78 };
    pub(crate) const CRC64NVME: Self = Self { width: 64, polynomial: 0x9a6c_9329_ac4b_c9b5 };

    /// The CRC of `A` followed by `B`, from the CRC of each and the length of `B` in bytes.
    pub(crate) fn combine(self, a: u64, b: u64, len_b: u64) -> u64 {
        self.multiply(self.shift(len_b), a) ^ b
    }

    /// x^(8·bytes), by squaring.
    fn shift(self, bytes: u64) -> u64 {
        let one = 1 << (self.width - 1);
        let mut square = one >> 8;
        let mut product = one;
        let mut left = bytes;
        while left > 0 {
            if left & 1 == 1 {
                product = self.multiply(product, square);
            }
            square = self.multiply(square, square);
            left >>= 1;
        }
        product
    }

    /// The product of two polynomials modulo the CRC's; bit-reversed, so the highest bit is x⁰.
    fn multiply(self, a: u64, b: u64) -> u64 {
        let mut product = 0;
        let mut term = b;
        for power in (0..self.width).rev() {
            if a >> power & 1 == 1 {
                product ^= term;
            }
            term = if term & 1 == 1 { term >> 1 ^ self.polynomial } else { term >> 1 };
        }
        product
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use s3s::crypto::{Checksum, Crc32, Crc32c, Crc64Nvme};

    use super::*;

    fn number(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    fn agrees<C: Checksum>(crc: Crc, data: &[u8], cuts: &[usize]) {
        let mut whole = number(C::checksum(&[]).as_ref());
        let mut start = 0;
        for end in cuts.iter().copied().chain([data.len()]) {
            let part = &data[start..end];
            whole = crc.combine(whole, number(C::checksum(part).as_ref()), part.len() as u64);
            start = end;
        }
        assert_eq!(
            whole,
            number(C::checksum(data).as_ref()),
            "{crc:?} of {} bytes cut at {cuts:?}",
            data.len()
        );
    }

    proptest! {
        #[test]
        fn the_combined_crc_is_the_crc_of_the_whole(
            data in prop::collection::vec(any::<u8>(), 0..3000),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(data.len() + 1)).collect();
            cuts.sort_unstable();
            agrees::<Crc32>(Crc::CRC32, &data, &cuts);
            agrees::<Crc32c>(Crc::CRC32C, &data, &cuts);
            agrees::<Crc64Nvme>(Crc::CRC64NVME, &data, &cuts);
        }

        #[test]
        fn combining_is_associative_at_any_length(a: u64, b: u64, c: u64, len_b in 0..1u64 << 45, len_c in 0..1u64 << 45) {
            let crc = Crc::CRC64NVME;
            let left = crc.combine(crc.combine(a, b, len_b), c, len_c);
            let right = crc.combine(a, crc.combine(b, c, len_c), len_b + len_c);
            prop_assert_eq!(left, right);
        }
    }
}
