//! Keys: made here from a sanitised name, never taken from a client.

use partway_shared::limits::MAX_KEY_BYTES;
use uuid::Uuid;

/// What a name keeps of itself when it is too long.
const MAX_NAME_IN_KEY: usize = 200;

/// `{prefix}{uuid}/{name}`: unguessable, never taken twice, and still readable.
#[must_use]
pub fn object_key(prefix: &str, id: Uuid, name: &str) -> String {
    let key = format!("{prefix}{id}/{}", sanitise(name));
    debug_assert!(key.len() <= MAX_KEY_BYTES, "the prefix is bounded by the configuration");
    key
}

/// A file name without surprises: no path, no control or direction characters, none that
/// S3's guidelines or a shell would stumble over, and not too long.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>
fn sanitise(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut clean = String::with_capacity(last.len());
    for c in last.chars() {
        let replaced = if is_surprising(c) { '_' } else { c };
        // A row of replaced characters reads as one.
        if replaced != '_' || !clean.ends_with('_') {
            clean.push(replaced);
        }
    }
    let clean = clean.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let clean = shorten(clean);
    if clean.is_empty() { "file".to_owned() } else { clean }
}

fn is_surprising(c: char) -> bool {
    let directs =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || directs || c.is_whitespace() && c != ' ' || "\\{}^%`]\">[~<#|?*:&$@=;+,'".contains(c)
}

/// Cuts the stem of a long name, so that its extension stays.
fn shorten(name: &str) -> String {
    if name.len() <= MAX_NAME_IN_KEY {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let mut end = MAX_NAME_IN_KEY - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    #[test]
    fn names_lose_what_surprises() {
        for (name, clean) in [
            ("film.mp4", "film.mp4"),
            ("Ferien am Meer (2).jpg", "Ferien am Meer (2).jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\fakepath\\a.txt", "a.txt"),
            ("..", "file"),
            ("", "file"),
            ("a\0b\r\nc", "a_b_c"),
            ("photo\u{202e}gpj.exe", "photo_gpj.exe"),
            ("a?b#c&d", "a_b_c_d"),
            ("写真.png", "写真.png"),
            (" .hidden. ", "hidden"),
        ] {
            assert_eq!(sanitise(name), clean, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let clean = sanitise(&format!("{}.tar", "ä".repeat(500)));
        assert!(clean.ends_with("ä.tar") && clean.len() <= MAX_NAME_IN_KEY);
        assert!(sanitise(&"x.".repeat(400)).len() <= MAX_NAME_IN_KEY);
    }

    proptest! {
        #[test]
        fn no_name_escapes(name in ".{0,400}") {
            let key = object_key("in/", Uuid::nil(), &name);
            prop_assert!(key.len() <= MAX_KEY_BYTES);
            prop_assert!(!key.chars().any(char::is_control));
            prop_assert!(key.split('/').count() == 3);
            prop_assert!(key.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
        }
    }
}
