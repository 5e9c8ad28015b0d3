//! The CRC of two runs of bytes from the CRC of each, without the bytes. It never knows how a CRC is computed from bytes.
//!
//! A CRC is a remainder of polynomials over GF(2): appending `n` zero bytes multiplies it by `x^(8n)`. With all ones as initial
//! value and final XOR, as all CRCs here have them, `crc(AB) = crc(A) · x^(8·len(B)) + crc(B)`. That is some sixty
//! multiplications however long `B` is, so the checksum of a 48 TiB object costs microseconds a part.

/// A CRC of S3's, by its width in bits and its polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crc {
    width: u32,
    /// With the lowest power in the highest bit.
    polynomial: u64,
}

impl Crc {
    /// CRC-32.
    pub const CRC32: Self = Self { width: 32, polynomial: 0xedb8_8320 };
    /// CRC-32C.
    pub const CRC32C: Self = Self { width: 32, polynomial: 0x82f6_3b78 };
    /// CRC-64/NVME.
    pub const CRC64NVME: Self = Self { width: 64, polynomial: 0x9a6c_9329_ac4b_c9b5 };

    /// Returns the CRC of bytes with CRC `first`, followed by `next_len` bytes with CRC `next`.
    #[must_use]
    pub fn combine(self, first: u64, next: u64, next_len: u64) -> u64 {
        self.multiply(first, self.power_of_bytes(next_len)) ^ next
    }

    #[cfg(any(target_family = "wasm", test))]
    pub(crate) const fn polynomial(self) -> u64 {
        self.polynomial
    }

    /// Returns `x^(8·bytes)`, by squaring.
    fn power_of_bytes(self, mut bytes: u64) -> u64 {
        let one = 1 << (self.width - 1);
        let (mut product, mut square) = (one, one >> 8);
        while bytes > 0 {
            if bytes & 1 == 1 {
                product = self.multiply(product, square);
            }
            square = self.multiply(square, square);
            bytes >>= 1;
        }
        product
    }

    /// Returns the product modulo the CRC's polynomial.
    fn multiply(self, a: u64, mut b: u64) -> u64 {
        let mut product = 0;
        for bit in (0..self.width).rev() {
            if a >> bit & 1 == 1 {
                product ^= b;
            }
            b = if b & 1 == 1 { (b >> 1) ^ self.polynomial } else { b >> 1 };
        }
        product
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Crc;
    use crate::Hasher;

    /// Each with what another implementation computes from bytes.
    type Oracle = fn(&[u8]) -> u64;

    fn all() -> [(Crc, Oracle); 3] {
        [
            (Crc::CRC32, |bytes| crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(bytes).into()),
            (Crc::CRC32C, |bytes| crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(bytes).into()),
            (Crc::CRC64NVME, |bytes| crc::Crc::<u64>::new(&crc::CRC_64_NVME).checksum(bytes)),
        ]
    }

    proptest! {
        #[test]
        fn equals_the_crc_of_the_whole(parts in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..200), 0..8,
        )) {
            for (crc, of) in all() {
                let combined = parts.iter().fold(0, |whole, part| crc.combine(whole, of(part), part.len() as u64));
                prop_assert_eq!(combined, of(&parts.concat()), "{:?}", crc);
            }
        }

        #[test]
        fn is_associative_at_any_length(a: u32, b: u32, c: u32, len_b in 0..1_u64 << 45, len_c in 0..1_u64 << 45) {
            for (crc, _) in all() {
                // Any value of the width.
                let [a, b, c] = [a, b, c].map(|value| u64::from(value) << (crc.width - 32));
                let left = crc.combine(crc.combine(a, b, len_b), c, len_c);
                let right = crc.combine(a, crc.combine(b, c, len_c), len_b + len_c);
                prop_assert_eq!(left, right, "{:?}", crc);
            }
        }
    }

    #[test]
    fn a_run_of_zeros_longer_than_memory() {
        // 2^40 zero bytes, doubled up from one.
        let combine = |first, next, next_len| Crc::CRC64NVME.combine(first, next, next_len);
        let of = |bytes: &[u8]| {
            let mut hasher = Hasher::new();
            hasher.update(bytes);
            hasher.finish()
        };
        let mut zeros = of(&[0]);
        let mut len = 1;
        for _ in 0..40 {
            zeros = combine(zeros, zeros, len);
            len *= 2;
        }
        let mut other = of(&[0; 1024]);
        for _ in 1..1024 {
            other = combine(other, of(&[0; 1024]), 1024);
        }
        let mib = other;
        for _ in 0..20 {
            let len = 1 << 20;
            other = combine(other, mib, len);
        }
        let direct = of(&vec![0; 21 << 20]);
        assert_eq!(other, direct);
        assert_ne!(zeros, direct);
        assert_eq!(len, 1 << 40);
    }
}
