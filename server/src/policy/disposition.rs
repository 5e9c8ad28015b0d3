//! Types that a browser would run when somebody opens the object are stored as downloads.

use partway_shared::wire::NewUpload;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Bytes of no known kind, which browsers download.
const UNKNOWN: &str = "application/octet-stream";

/// Types with which a page can run script in the bucket's origin.
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

/// What may stand in `filename*` unescaped (RFC 8187, `attr-char`).
const ATTR: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The type that a file is stored with.
///
/// There always is one: a URL that signs none lets whoever sends the bytes choose, after
/// [`content_disposition`] has.
#[must_use]
pub fn content_type(file: &NewUpload) -> &str {
    file.content_type.as_deref().unwrap_or(UNKNOWN)
}

/// The `Content-Disposition` that an object of this type and name is stored with, if any.
#[must_use]
pub fn content_disposition(content_type: &str, name: &str) -> Option<String> {
    let essence = content_type.split(';').next()?.trim().to_ascii_lowercase();
    let executable = EXECUTABLE.contains(&essence.as_str()) || essence.ends_with("+xml");
    executable.then(|| {
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let short: String = last.chars().take(100).collect();
        format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&short, ATTR))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_run_is_an_attachment() {
        let stored = content_disposition("Text/HTML; charset=utf-8", "a b\r\nü.html");
        assert_eq!(stored.as_deref(), Some("attachment; filename*=UTF-8''a%20b%0D%0A%C3%BC.html"));
        for executable in
            ["application/rss+xml", "application/Unknown", "multipart/x-mixed-replace;boundary=x"]
        {
            assert!(content_disposition(executable, "x").is_some(), "{executable}");
        }
        assert_eq!(content_disposition("image/png", "x.png"), None);
    }

    #[test]
    fn every_object_has_a_type() {
        assert_eq!(content_type(&NewUpload::default()), UNKNOWN);
        assert_eq!(content_disposition(UNKNOWN, "x.html"), None);
    }
}
