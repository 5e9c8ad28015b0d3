//! Percent-encoding as Signature Version 4 requires: everything but `A-Z a-z 0-9 - . _ ~`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &VALUE.remove(b'/');

/// Encodes a query value.
pub(super) fn value(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// Appends an encoded query value.
pub(super) fn push_value(query: &mut String, text: &str) {
    query.extend(utf8_percent_encode(text, VALUE));
}

/// Encodes a key within a path; slashes stay.
pub(crate) fn path(key: &str) -> String {
    utf8_percent_encode(key, PATH).to_string()
}
