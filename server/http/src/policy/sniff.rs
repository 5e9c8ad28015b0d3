//! Compares a file's first bytes with its media type.
//!
//! Magic numbers identify containers, not contents: an `.mp4` with only sound is `audio/mp4` to one program and
//! `video/mp4` to another. So types that share a container are equal here, and bytes of no known type are refused
//! only if the given type has magic numbers.

use super::media_type::{is_unknown, takes};

/// The number of bytes that are looked at.
pub const SNIFFED_BYTES: u64 = 8 * 1_024;

/// Types that share a container, or are synonyms.
const ALIKE: &[&[&str]] = &[
    &[
        "video/mp4",
        "audio/mp4",
        "audio/m4a",
        "audio/x-m4a",
        "video/x-m4v",
        "video/quicktime",
        "video/3gpp",
        "video/3gpp2",
    ],
    &["video/webm", "audio/webm", "video/x-matroska", "video/matroska", "audio/x-matroska", "audio/matroska"],
    &["audio/ogg", "video/ogg", "application/ogg", "audio/opus"],
    &["audio/mpeg", "audio/mp3", "audio/x-mpeg"],
    &["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"],
    &["audio/flac", "audio/x-flac"],
    &["audio/aiff", "audio/x-aiff"],
    &["audio/midi", "audio/x-midi"],
    &["video/avi", "video/x-msvideo", "video/msvideo"],
    &["image/jpeg", "image/jpg", "image/pjpeg"],
    &["image/heif", "image/heic", "image/heif-sequence", "image/heic-sequence"],
    &["image/bmp", "image/x-bmp", "image/x-ms-bmp"],
    &["image/vnd.microsoft.icon", "image/x-icon"],
    &["image/vnd.adobe.photoshop", "image/x-photoshop", "application/x-photoshop"],
    &["image/tiff", "image/x-canon-cr2", "image/x-adobe-dng", "image/x-nikon-nef", "image/x-sony-arw"],
    &["application/gzip", "application/x-gzip", "application/x-compressed-tar", "application/x-tgz"],
    &["application/x-bzip2", "application/x-bzip"],
    &["application/x-xz", "application/xz"],
    &["application/vnd.rar", "application/x-rar-compressed", "application/x-rar"],
    &["application/rtf", "text/rtf"],
    &["application/vnd.sqlite3", "application/x-sqlite3"],
    &["font/ttf", "font/otf", "font/sfnt", "font/collection", "application/font-sfnt"],
    &["font/woff", "font/woff2", "application/font-woff"],
    &[
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/x-ole-storage",
        "application/vnd.visio",
        "application/vnd.ms-outlook",
        "application/x-msi",
    ],
    &["application/vnd.microsoft.portable-executable", "application/x-msdownload", "application/x-dosexec"],
    &["text/xml", "application/xml"],
];

/// Returns how the first bytes contradict the type that a file is stored with; `None` if they do not.
#[must_use]
pub fn contradiction(stored_type: &str, types: &[String], first: &[u8]) -> Option<String> {
    // It was printed by `MediaType`: in lower case, with parameters behind semicolons.
    let said = stored_type.split(';').next().unwrap_or_default();
    let found = infer::get(first).map(|found| found.mime_type());
    match found {
        Some(found) if is_unknown(said) && (types.is_empty() || takes(types, found)) => None,
        Some(found) if !is_unknown(said) && is_alike(said, found) => None,
        Some(found) => Some(format!("the file's content is {found}, and its type is {said}")),
        // Bytes of no known kind, or none at all, are what a type of no known kind says.
        None if is_unknown(said) => None,
        None if is_detectable(said) => Some(format!("the file's content is not {said}")),
        None => None,
    }
}

fn is_alike(said: &str, found: &str) -> bool {
    let same = said == found || ALIKE.iter().any(|alike| alike.contains(&said) && alike.contains(&found));
    // Office documents and many others are archives, and XML has a thousand names.
    same || (found == "application/zip" && is_archive(said))
        || (found == "text/xml" && (said.ends_with("+xml") || said == "text/html"))
        || (found == "application/x-ole-storage" && said.starts_with("application/vnd.ms-"))
        || (found == "text/html" && said == "application/xhtml+xml")
        || (found == "text/x-shellscript" && (said.starts_with("text/") || said == "application/x-sh"))
}

fn is_archive(said: &str) -> bool {
    ["openxmlformats", "opendocument", "java-archive", "android.package", "zip", "macroenabled", "vnd.apple."]
        .iter()
        .any(|part| said.contains(part))
}

/// Returns whether this type has magic numbers.
fn is_detectable(said: &str) -> bool {
    let known = |name: &str| infer::is_mime_supported(name);
    // Text may begin with anything.
    !said.starts_with("text/")
        && (known(said)
            || ALIKE.iter().any(|alike| {
                alike.contains(&said) && !alike.contains(&"text/xml") && alike.iter().any(|name| known(name))
            }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const PDF: &[u8] = b"%PDF-1.7\n";
    const MP4: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";
    const HTML: &[u8] = b"<!DOCTYPE html><html><script>alert(1)</script>";

    #[test]
    fn a_file_is_what_it_says() {
        for (said, bytes) in [
            ("image/png", PNG),
            ("image/png; charset=x", PNG),
            ("application/octet-stream", PNG),
            ("application/octet-stream", b"hello"),
            ("application/octet-stream", b""),
            ("binary/octet-stream", b"\0\x01\x02"),
            ("text/plain", b""),
            ("video/quicktime", MP4),
            ("audio/mp4", MP4),
            ("application/zip", ZIP),
            ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ZIP),
            ("text/plain", b"hello"),
            ("text/csv", b"a,b"),
            ("application/json", b"{}"),
            ("text/html", HTML),
            ("image/svg+xml", b"<?xml version=\"1.0\"?><svg/>"),
            ("image/svg+xml", b"<svg/>"),
            ("application/x-unheard-of", b"anything"),
        ] {
            assert_eq!(contradiction(said, &[], bytes), None, "{said}");
        }
    }

    #[test]
    fn a_file_that_is_something_else() {
        for (said, bytes) in [
            ("image/png", PDF),
            ("image/png", b"" as &[u8]),
            ("image/jpeg", HTML),
            ("image/jpg", b"hello"),
            ("text/plain", HTML),
            ("application/pdf", b"MZ\x90\0"),
            ("video/mp4", b"hello"),
            ("application/zip", PDF),
        ] {
            assert!(contradiction(said, &[], bytes).is_some(), "{said}");
        }
        let images = ["image/*".to_owned(), "application/octet-stream".to_owned()];
        assert_eq!(contradiction("application/octet-stream", &images, PNG), None);
        assert!(contradiction("application/octet-stream", &images, PDF).is_some());
    }
}
