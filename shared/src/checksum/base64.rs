//! Base64 (RFC 4648) of the few bytes that a checksum has.
//!
//! By hand: what the crates bring along for texts of any length weighs more in a page than MD5 does. One of them
//! is the oracle in the tests.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, place| bits << 8 | usize::from(*group.get(place).unwrap_or(&0)));
        for place in 0..4 {
            // One byte makes two digits, and two make three.
            let is_used = place <= group.len();
            text.push(if is_used { char::from(DIGITS[bits >> (18 - 6 * place) & 63]) } else { '=' });
        }
    }
    text
}

/// `None` unless it is the very text that the bytes encode to.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        bits = bits << 6 | DIGITS.iter().position(|other| *other == digit)? as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn bytes_are_encoded_as_the_oracle_does(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            let text = encode(&bytes);
            prop_assert_eq!(&text, &STANDARD.encode(&bytes));
            prop_assert_eq!(decode(&text), Some(bytes));
        }

        #[test]
        fn texts_are_decoded_as_the_oracle_does(text in "[A-Za-z0-9+/=é]{0,13}") {
            prop_assert_eq!(decode(&text), STANDARD.decode(&text).ok());
        }
    }
}
