//! Media types: parsed and printed again, so that what the rules compare is what is stored and what browsers read.

use std::fmt;

use mediatype::MediaType as Parsed;
use partway_shared::wire::NewUpload;

/// The type of unknown bytes, which browsers download.
const UNKNOWN: &str = "application/octet-stream";

/// The longest media type, in bytes.
const MAX_BYTES: usize = 255;

/// The parameters that say how to read the bytes. Others are refused, since browsers could interpret them in any way.
const PARAMETERS: &[&str] =
    &["boundary", "charset", "codecs", "delsp", "format", "header", "profile", "version"];

/// A media type: its essence in lower case, and known parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    essence: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Returns the type that a file is stored with. There always is one: a URL that signs none would let the sender
    /// choose.
    ///
    /// A file without a type, which browsers send for extensions that they do not know (`.heic`), gets the type of
    /// its extension; so does one whose type is a bare word such as `jpeg`.
    ///
    /// # Errors
    /// Says why the given type is not a media type.
    pub fn of(file: &NewUpload) -> Result<Self, String> {
        match &file.content_type {
            Some(given) if !is_bare_word(given) => Self::parse(given),
            _ => Ok(Self::guess(&file.name)),
        }
    }

    /// Parses a `Content-Type` (RFC 9110, section 8.3.1). Commas are refused even in quotes, since browsers read
    /// another type after one.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("a media type may have at most {MAX_BYTES} bytes, not {}", text.len()));
        }
        if text.contains(',') {
            return Err("a media type must have no comma: a browser would read two types".to_owned());
        }
        let parsed = Parsed::parse(text).map_err(|_| {
            "it is not a media type such as image/png or text/plain; charset=utf-8".to_owned()
        })?;
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in parsed.params.iter() {
            let name = name.as_str().to_ascii_lowercase();
            if !PARAMETERS.contains(&name.as_str()) {
                let known = PARAMETERS.join(", ");
                return Err(format!("the parameter {name:?} is unknown; known are: {known}"));
            }
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(format!("the parameter {name:?} is given twice"));
            }
            let value = value.unquoted_str().into_owned();
            if value.bytes().any(|b| !(b' '..=b'~').contains(&b) || b"\"\\".contains(&b)) {
                return Err(format!("the parameter {name:?} has a character that is not allowed in headers"));
            }
            parameters.push((name, value));
        }
        Ok(Self { essence: parsed.essence().to_string().to_ascii_lowercase(), parameters })
    }

    /// Returns the type of a name's extension.
    fn guess(name: &str) -> Self {
        let guessed = mime_guess::from_path(name).first_raw().unwrap_or(UNKNOWN);
        Self { essence: guessed.to_ascii_lowercase(), parameters: Vec::new() }
    }

    /// Returns `type/subtype` in lower case.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// Returns whether one of these patterns, such as `image/*`, matches the type. Parameters do not count.
    pub(super) fn is_one_of(&self, patterns: &[String]) -> bool {
        takes(patterns, &self.essence)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)?;
        self.parameters.iter().try_for_each(|(name, value)| {
            if is_token(value) { write!(f, "; {name}={value}") } else { write!(f, "; {name}=\"{value}\"") }
        })
    }
}

/// Returns whether an essence says nothing about the bytes.
pub(super) fn is_unknown(essence: &str) -> bool {
    matches!(essence, UNKNOWN | "binary/octet-stream")
}

/// Returns whether a type is a bare word such as `jpeg` or `image`, which is no media type.
pub(super) fn is_bare_word(text: &str) -> bool {
    text.is_empty() || is_token(text)
}

/// Returns whether one of these patterns matches an essence in lower case.
pub(super) fn takes(patterns: &[String], essence: &str) -> bool {
    patterns.iter().any(|pattern| {
        let pattern = pattern.to_ascii_lowercase();
        match pattern.strip_suffix('*') {
            Some("*/") => true,
            Some(kind) => essence.starts_with(kind),
            None => essence == pattern,
        }
    })
}

/// Returns whether this is a media type without parameters, or `type/*`.
#[must_use]
pub fn is_type_pattern(pattern: &str) -> bool {
    pattern.split_once('/').is_some_and(|(kind, sub)| match (kind, sub) {
        ("*", "*") => true,
        (kind, "*") => is_token(kind) && !kind.contains('*'),
        (kind, sub) => is_token(kind) && is_token(sub) && !pattern.contains('*'),
    })
}

/// Returns whether this is a token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn stored(content_type: Option<&str>, name: &str) -> String {
        let content_type = content_type.map(str::to_owned);
        let file = NewUpload { name: name.to_owned(), content_type, ..NewUpload::default() };
        MediaType::of(&file).unwrap().to_string()
    }

    #[test]
    fn what_is_stored_is_printed_anew() {
        for (given, printed) in [
            ("image/png", "image/png"),
            ("Text/HTML;Charset=\"utf-8\"", "text/html; charset=utf-8"),
            ("audio/webm;codecs=opus", "audio/webm; codecs=opus"),
            ("image/png;", "image/png"),
            ("application/atom+xml", "application/atom+xml"),
            ("video/mp4; codecs=\"avc1.4d002a mp4a.40.2\"", "video/mp4; codecs=\"avc1.4d002a mp4a.40.2\""),
        ] {
            assert_eq!(MediaType::parse(given).map(|parsed| parsed.to_string()).as_deref(), Ok(printed));
        }
    }

    /// Chromium takes the last of several types that commas part, and runs it.
    #[test]
    fn nothing_hides_behind_the_first_type() {
        for bad in [
            "image/png; a=b, text/html",
            "image/png, text/html",
            "image/png,text/html",
            "image/png; charset=\"x, text/html\"",
            "image/png; charset=x; charset=y",
            "image/png; x=y",
            "image/png; charset",
            "image/png charset=x",
            "image/png\r\nx-evil: 1",
            "image/png; charset=\"a\\\"b\"",
            "image/png; charset=\"ü\"",
            "image/",
            "/png",
            "a b/c",
            "ü/x",
            "image/png/x",
            &format!("image/png; charset={}", "x".repeat(300)),
        ] {
            assert!(MediaType::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_type_is_that_of_the_extension() {
        assert_eq!(stored(None, "IMG_1.HEIC"), "image/heic");
        assert_eq!(stored(Some(""), "x.avif"), "image/avif");
        assert_eq!(stored(Some("jpeg"), "x.jpeg"), "image/jpeg", "a bare word is none");
        assert_eq!(stored(Some("image"), "x"), UNKNOWN);
        assert_eq!(stored(None, "noextension"), UNKNOWN);
        assert_eq!(stored(Some("image/png"), "x.jpeg"), "image/png", "what is said counts");
    }

    #[test]
    fn patterns_take_types() {
        let takes =
            |pattern: &str, given: &str| MediaType::parse(given).unwrap().is_one_of(&[pattern.to_owned()]);
        assert!(
            takes("image/*", "Image/PNG")
                && takes("IMAGE/png", "image/png; charset=x")
                && takes("*/*", "a/b")
        );
        assert!(
            !takes("image/*", "imagex/png")
                && !takes("image/png", "image/pngx")
                && !takes("image/*", "text/x")
        );
        for bad in ["", "image", "image/", "*/png", "im age/*", "image/p*g", "image/png;q=1", "i*/*"] {
            assert!(!is_type_pattern(bad), "{bad}");
        }
    }

    proptest! {
        /// Whatever a client says: what is taken says one thing to everybody, and the same when it is read again.
        #[test]
        fn what_is_taken_is_one_type(text in "(image|text)/(png|html)[ ;,=\"a-z/\\\\\u{0}-\u{7f}]{0,40}") {
            if let Ok(parsed) = MediaType::parse(&text) {
                let printed = parsed.to_string();
                prop_assert!(!printed.contains(',') && printed.bytes().all(|b| (b' '..=b'~').contains(&b)));
                prop_assert_eq!(MediaType::parse(&printed), Ok(parsed));
            }
        }
    }
}
