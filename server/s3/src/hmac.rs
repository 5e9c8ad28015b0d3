//! HMAC-SHA256 with a key of any length (RFC 2104), without an error to handle.

use hmac::{Hmac, KeyInit};
use sha2::{Digest, Sha256};

/// The block size of SHA-256 in bytes, to which HMAC pads its key.
const BLOCK: usize = 64;

/// Creates an HMAC-SHA256 with this key.
#[must_use]
pub fn hmac(key: &[u8]) -> Hmac<Sha256> {
    let mut block = [0; BLOCK];
    if key.len() <= BLOCK {
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    } else {
        block.iter_mut().zip(Sha256::digest(key)).for_each(|(to, from)| *to = from);
    }
    Hmac::new(&block.into())
}

#[cfg(test)]
mod tests {
    use hmac::Mac;

    use super::*;

    #[test]
    fn keys_of_any_length_are_keys() {
        let tag = |mac: Hmac<Sha256>| mac.chain_update(b"text").finalize().into_bytes();
        for length in 0..200_u8 {
            let key: Vec<_> = (1..=length).collect();
            assert_eq!(tag(hmac(&key)), tag(Hmac::new_from_slice(&key).unwrap()), "{length}");
        }
    }
}
