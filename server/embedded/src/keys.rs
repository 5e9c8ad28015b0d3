//! Owns the rules of object keys: their length, their order, how a delimiter groups them, and how listings write
//! them. Never knows files: no path is made from a key.

use super::errors::Error;

const MAX_BYTES: usize = 1024;

/// Refuses keys that are longer than S3's limit of 1,024 bytes.
pub(crate) fn check(key: &str) -> Result<(), Error> {
    if key.len() > MAX_BYTES { Err(Error::KeyTooLong) } else { Ok(()) }
}

/// Returns the part of `key` up to and including the first `delimiter` after `prefix`, by which listings group it.
pub(crate) fn common_prefix<'k>(key: &'k str, prefix: &str, delimiter: Option<&str>) -> Option<&'k str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let rest = key.strip_prefix(prefix)?;
    let end = prefix.len() + rest.find(delimiter)? + delimiter.len();
    key.get(..end)
}

/// Returns the first byte string after all strings that start with `prefix`.
pub(crate) fn behind(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    // No byte of UTF-8 is 0xff, so the last one can always be raised.
    if let Some(last) = bytes.last_mut() {
        *last = last.saturating_add(1);
    }
    bytes
}

/// Returns a key as listings write it with `encoding-type=url`.
pub(crate) fn url_encode(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => {
                encoded.push('%');
                for digit in [byte >> 4, byte & 15] {
                    encoded.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_grouped_behind_the_prefix() {
        assert_eq!(common_prefix("a/b/c", "", Some("/")), Some("a/"));
        assert_eq!(common_prefix("a/b/c", "a/", Some("/")), Some("a/b/"));
        assert_eq!(common_prefix("a/b", "a/", Some("/")), None);
        assert_eq!(common_prefix("a/", "a/", Some("/")), None);
        assert_eq!(common_prefix("//", "/", Some("/")), Some("//"));
        assert_eq!(common_prefix("a--b--c", "a", Some("--")), Some("a--"));
        assert_eq!(common_prefix("a/b", "", None), None);
        assert_eq!(common_prefix("a/b", "", Some("")), None);
    }

    #[test]
    fn behind_a_prefix_lies_nothing_that_starts_with_it() {
        let behind = behind("a/");
        assert!(behind.as_slice() > "a/\u{10ffff}".as_bytes());
        assert!(behind.as_slice() <= "a0".as_bytes());
    }

    #[test]
    fn url_encoding_keeps_slashes_and_escapes_the_rest() {
        assert_eq!(url_encode("a b/ü+\u{1}~"), "a%20b/%C3%BC%2B%01~");
    }

    #[test]
    fn a_key_has_at_most_1024_bytes() {
        assert!(check(&"ü".repeat(512)).is_ok());
        assert!(check(&"a".repeat(1025)).is_err());
    }
}
