//! `Content-Disposition`: what a browser does with an object, and what it calls the file. Types that a browser would execute are
//! downloads.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use partway_shared::wire::Disposition;

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

/// Returns whether a browser would execute an object of this type.
#[must_use]
pub fn is_executable(content_type: &MediaType) -> bool {
    let essence = content_type.essence();
    EXECUTABLE.contains(&essence) || essence.ends_with("+xml")
}

/// Returns the `Content-Disposition` for an object of this type and name; `None` for a type that is safe to show.
#[must_use]
pub fn content_disposition(content_type: &MediaType, name: &str) -> Option<String> {
    is_executable(content_type).then(|| format!("attachment; {}", extended(&shown(name))))
}

/// Returns a `Content-Disposition` with a file name in both forms (RFC 6266, section 4.3): in ASCII for old clients, and in
/// UTF-8 for all others.
#[must_use]
pub fn with_filename(disposition: Disposition, name: &str) -> String {
    let kind = match disposition {
        Disposition::Attachment => "attachment",
        Disposition::Inline => "inline",
    };
    let shown = shown(name);
    // A percent sign is decoded by some, a quote or a backslash ends the text.
    let plain: String =
        shown.chars().map(|c| if matches!(c, ' '..='~') && !"%\"\\".contains(c) { c } else { '_' }).collect();
    format!("{kind}; filename=\"{plain}\"; {}", extended(&shown))
}

/// Returns a name as people may see it: without a path or characters that deceive, of at most 100 characters.
fn shown(name: &str) -> String {
    sanitise(name).chars().take(100).collect()
}

fn extended(name: &str) -> String {
    format!("filename*=UTF-8''{}", utf8_percent_encode(name, ATTR))
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

    #[test]
    fn a_name_is_given_in_both_forms() {
        for (name, header) in [
            ("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"),
            ("写ü.txt", "attachment; filename=\"__.txt\"; filename*=UTF-8''%E5%86%99%C3%BC.txt"),
            // Nothing of a name gets out of its quotes, or into another header.
            (
                "a\"; x=y\r\nSet-Cookie: b",
                "attachment; filename=\"a_ x_y_Set-Cookie_ b\"; filename*=UTF-8''a_%20x_y_Set-Cookie_%20b",
            ),
            ("../../etc/passwd", "attachment; filename=\"passwd\"; filename*=UTF-8''passwd"),
            ("", "attachment; filename=\"file\"; filename*=UTF-8''file"),
        ] {
            assert_eq!(with_filename(Disposition::Attachment, name), header);
        }
        assert!(with_filename(Disposition::Inline, "a").starts_with("inline; "));
    }

    /// The name in a browser's dialogue ends as the file's does.
    #[test]
    fn nothing_turns_the_name_round() {
        let stored = disposition("text/html", "fdp\u{202e}lmth.html").unwrap();
        assert!(stored.ends_with("fdp_lmth.html"), "{stored}");
    }
}
