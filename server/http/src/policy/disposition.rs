//! Stores types that a browser would execute as downloads.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::key::sanitise;
use super::media_type::MediaType;

/// Types by which an object can run script in the bucket's origin.
const EXECUTABLE: &[&str] = &[
    "text/html",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "application/xml",
    "text/xsl",
    "application/mathml+xml",
    "text/javascript",
    "application/javascript",
    // Browsers look into the bytes of these, and run what looks like HTML (MIME Sniffing, section 7).
    "unknown/unknown",
    "application/unknown",
    // Each part of it has a type of its own.
    "multipart/x-mixed-replace",
];

/// The characters that `filename*` has unescaped (RFC 8187, `attr-char`).
const ATTR: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns the `Content-Disposition` for an object of this type and name; `None` for a type that is safe to show.
#[must_use]
pub fn content_disposition(content_type: &MediaType, name: &str) -> Option<String> {
    let essence = content_type.essence();
    let executable = EXECUTABLE.contains(&essence) || essence.ends_with("+xml");
    executable.then(|| {
        let short: String = sanitise(name).chars().take(100).collect();
        format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&short, ATTR))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disposition(content_type: &str, name: &str) -> Option<String> {
        content_disposition(&MediaType::parse(content_type).unwrap(), name)
    }

    #[test]
    fn what_would_run_is_an_attachment() {
        let stored = disposition("Text/HTML; charset=utf-8", "a b\r\nü.html");
        assert_eq!(stored.as_deref(), Some("attachment; filename*=UTF-8''a%20b_%C3%BC.html"));
        for executable in
            ["application/rss+xml", "application/Unknown", "multipart/x-mixed-replace;boundary=x"]
        {
            assert!(disposition(executable, "x").is_some(), "{executable}");
        }
        assert_eq!(disposition("image/png", "x.png"), None);
        assert_eq!(disposition("application/octet-stream", "x.html"), None);
    }

    /// The name in a browser's dialogue ends as the file's does.
    #[test]
    fn nothing_turns_the_name_round() {
        let stored = disposition("text/html", "fdp\u{202e}lmth.html").unwrap();
        assert!(stored.ends_with("fdp_lmth.html"), "{stored}");
    }
}
