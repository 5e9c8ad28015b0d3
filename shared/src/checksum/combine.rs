//! The CRC of two runs of bytes from the CRCs of each, without the bytes.
//!
//! A CRC is a remainder of polynomials over GF(2): appending `n` bytes multiplies
//! the first run's by `x^(8n)`. Sixty-odd multiplications whatever `n` is, so the
//! checksum of a 48 TiB object costs microseconds a part.

use super::crc64nvme::POLYNOMIAL;

/// `x^0`; the lowest power stands in the highest bit.
const ONE: u64 = 1 << 63;
/// `x^8`, one byte.
const ONE_BYTE: u64 = 1 << 55;

/// The CRC of bytes with CRC `first`, followed by `next_len` bytes with CRC `next`.
pub(super) fn combine(first: u64, next: u64, next_len: u64) -> u64 {
    multiply(first, power(ONE_BYTE, next_len)) ^ next
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = ONE;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    result
}

/// The product modulo the CRC's polynomial.
fn multiply(a: u64, mut b: u64) -> u64 {
    let mut product = 0;
    for bit in (0..64).rev() {
        if a >> bit & 1 == 1 {
            product ^= b;
        }
        b = if b & 1 == 1 { (b >> 1) ^ POLYNOMIAL } else { b >> 1 };
    }
    product
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::checksum::Crc64Nvme;

    proptest! {
        #[test]
        fn equals_hashing_the_whole(parts in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..200), 0..8,
        )) {
            let combined = parts.iter().fold(Crc64Nvme::EMPTY, |whole, part| {
                whole.followed_by(Crc64Nvme::of(part), part.len() as u64)
            });
            prop_assert_eq!(combined, Crc64Nvme::of(&parts.concat()));
        }
    }

    #[test]
    fn a_run_of_zeros_longer_than_memory() {
        // 2^40 zero bytes, doubled up from one.
        let mut zeros = Crc64Nvme::of(&[0]);
        let mut len = 1;
        for _ in 0..40 {
            zeros = zeros.followed_by(zeros, len);
            len *= 2;
        }
        let mut other = Crc64Nvme::of(&[0; 1024]);
        for _ in 1..1024 {
            other = other.followed_by(Crc64Nvme::of(&[0; 1024]), 1024);
        }
        let mib = other;
        for _ in 0..20 {
            let len = 1 << 20;
            other = other.followed_by(mib, len);
        }
        let direct = Crc64Nvme::of(&vec![0; 21 << 20]);
        assert_eq!(other, direct);
        assert_ne!(zeros, direct);
        assert_eq!(len, 1 << 40);
    }
}
