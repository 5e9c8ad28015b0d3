//! The pieces of keys: names, paths and subjects without surprises.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// What a name keeps of itself when it is too long, in bytes.
pub(super) const MAX_NAME_IN_KEY: usize = 200;
/// What a path has at most, with the name at its end.
pub(super) const MAX_PATH_IN_KEY: usize = 500;
/// What a subject has at most.
pub(super) const MAX_SUBJECT_IN_KEY: usize = 128;
/// A folder's name.
const MAX_FOLDER: usize = 100;

/// A file name without surprises: no path, no control or direction characters, none that
/// S3's guidelines or a shell would stumble over, and not too long.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>
pub(super) fn sanitise(name: &str) -> String {
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
    let clean = shorten(clean, MAX_NAME_IN_KEY);
    if clean.is_empty() { "file".to_owned() } else { clean }
}

/// The folders of a path, each sanitised as a name is, and the name. The innermost are kept of a path that is too long.
pub(super) fn sanitise_path(path: &str, name: &str) -> String {
    let mut clean = sanitise(name);
    let mut folders = path.rsplit(['/', '\\']).filter(|folder| !matches!(*folder, "" | "." | ".."));
    // The last is the file itself.
    folders.next();
    for folder in folders {
        let folder = shorten(&sanitise(folder), MAX_FOLDER);
        let longer = format!("{folder}/{clean}");
        if longer.len() > MAX_PATH_IN_KEY {
            break;
        }
        clean = longer;
    }
    clean
}

/// A subject as one segment, different for each: `!2f` stands for a slash, and so on.
pub(super) fn sanitise_subject(subject: &str) -> String {
    let mut clean = String::with_capacity(subject.len());
    for (index, byte) in subject.bytes().enumerate() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || (byte == b'.' && index > 0);
        if is_plain {
            clean.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(clean, "!{byte:02x}");
        }
    }
    if clean.is_empty() {
        return "!".to_owned();
    }
    if clean.len() <= MAX_SUBJECT_IN_KEY {
        return clean;
    }
    // Two exclamation marks stand nowhere else.
    clean.truncate(MAX_SUBJECT_IN_KEY - 2 - 64);
    clean.push_str("!!");
    for byte in Sha256::digest(subject) {
        let _ = write!(clean, "{byte:02x}");
    }
    clean
}

fn is_surprising(c: char) -> bool {
    let directs =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || directs || c.is_whitespace() && c != ' ' || "\\{}^%`]\">[~<#|?*:&$@=;+,'".contains(c)
}

/// Cuts the stem of a long name, so that its extension stays.
fn shorten(name: &str, max: usize) -> String {
    if name.len() <= max {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let mut end = max - extension.len();
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

    #[test]
    fn paths_keep_their_folders() {
        for (path, name, clean) in [
            ("trip/day 1/a.jpg", "a.jpg", "trip/day 1/a.jpg"),
            ("/etc/../../passwd", "passwd", "etc/passwd"),
            ("a\\b\\c.txt", "c.txt", "a/b/c.txt"),
            ("./a\0b/x", "x", "a_b/x"),
            ("", "x", "x"),
            ("x", "x", "x"),
        ] {
            assert_eq!(sanitise_path(path, name), clean, "{path:?}");
        }
        let deep = sanitise_path(&"folder/".repeat(200), "x.txt");
        assert!(deep.ends_with("/x.txt") && deep.len() <= MAX_PATH_IN_KEY);
    }

    #[test]
    fn a_subject_is_one_segment() {
        assert_eq!(sanitise_subject("ada"), "ada");
        assert_eq!(sanitise_subject("../a/b"), "!2e.!2fa!2fb");
        assert_eq!(sanitise_subject("a!2fb"), "a!212fb");
        let long = sanitise_subject(&"x".repeat(300));
        assert!(long.len() == MAX_SUBJECT_IN_KEY && long != sanitise_subject(&"x".repeat(301)));
    }

    proptest! {
        #[test]
        fn no_name_escapes(name in ".{0,400}") {
            let clean = sanitise(&name);
            prop_assert!(clean.len() <= MAX_NAME_IN_KEY && !clean.is_empty());
            prop_assert!(!clean.chars().any(|c| c.is_control() || c == '/' || c == '\\'));
            prop_assert!(clean != "." && clean != "..");
        }
    }
}
