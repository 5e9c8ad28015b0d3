//! CRC-64/NVME of bytes: by tables in WebAssembly, by the processor's own instructions elsewhere, several times as fast.
//!
//! Both are tested natively, against the crate `crc`.

#[cfg(not(target_family = "wasm"))]
mod simd;
#[cfg(any(target_family = "wasm", test))]
#[cfg_attr(
    not(target_family = "wasm"),
    allow(unreachable_pub, reason = "what is tested natively is public in WebAssembly")
)]
mod tables;

#[cfg(not(target_family = "wasm"))]
pub use simd::Hasher;
#[cfg(target_family = "wasm")]
pub use tables::Hasher;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{simd, tables};

    fn oracle(bytes: &[u8]) -> u64 {
        crc::Crc::<u64>::new(&crc::CRC_64_NVME).checksum(bytes)
    }

    proptest! {
        // Up to a few times the stride of any instruction set.
        #[test]
        fn equals_the_oracle_however_it_is_cut(
            bytes in proptest::collection::vec(any::<u8>(), 0..3_000),
            cut in any::<prop::sample::Index>(),
        ) {
            let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
            let mut by_tables = tables::Hasher::new();
            by_tables.update(head);
            by_tables.update(tail);
            prop_assert_eq!(by_tables.finish(), oracle(&bytes));
            let mut by_simd = simd::Hasher::new();
            by_simd.update(head);
            by_simd.update(tail);
            prop_assert_eq!(by_simd.finish(), oracle(&bytes));
        }
    }
}
