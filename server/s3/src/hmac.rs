//! HMAC-SHA256 under a key of any length (RFC 2104), which cannot fail.

use hmac::{Hmac, KeyInit};
use sha2::{Digest, Sha256};

/// What SHA-256 takes in at once, which is as long as HMAC's own key is.
const BLOCK: usize = 64;

/// HMAC-SHA256 under this key.
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
