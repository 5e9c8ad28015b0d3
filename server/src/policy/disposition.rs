//! Types that a browser would run when somebody opens the object are stored as downloads.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

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
];

/// What may stand in `filename*` unescaped (RFC 8187, `attr-char`).
const ATTR: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The `Content-Disposition` that an object of this type and name is stored with, if any.
#[must_use]
pub fn content_disposition(content_type: Option<&str>, name: &str) -> Option<String> {
    let essence = content_type?.split(';').next()?.trim().to_ascii_lowercase();
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
        let stored = content_disposition(Some("Text/HTML; charset=utf-8"), "a b\r\nü.html");
        assert_eq!(stored.as_deref(), Some("attachment; filename*=UTF-8''a%20b%0D%0A%C3%BC.html"));
        assert!(content_disposition(Some("application/rss+xml"), "x").is_some());
        assert_eq!(content_disposition(Some("image/png"), "x.png"), None);
        assert_eq!(content_disposition(None, "x.html"), None);
    }
}
