//! The parts of keys: sanitised names, paths and subjects.

use partway_shared::limits::MAX_KEY_BYTES;
use std::fmt::Write;

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed,
};
use sha2::{Digest, Sha256};

/// The longest key prefix of a scope, in bytes.
pub const MAX_KEY_PREFIX: usize = 200;
/// The folder of Partway itself, in which no upload's key may be.
pub(super) const RESERVED: &str = ".partway";
/// The longest name in a key, in bytes.
pub(super) const MAX_NAME_IN_KEY: usize = 200;
/// The longest path in a key, with its name, in bytes.
pub(super) const MAX_PATH_IN_KEY: usize = 500;
/// The longest subject in a key, in bytes.
pub(super) const MAX_SUBJECT_IN_KEY: usize = 128;
/// The longest folder name, in bytes.
const MAX_FOLDER: usize = 100;
/// The longest extension with its dot, in bytes; a longer one belongs to the stem.
const MAX_EXTENSION: usize = 17;
/// The text before the hash that marks a changed name.
const MARK: &str = "!!";
/// The length of that hash, in bytes of SHA-256: enough that no two names share it.
const MARK_BYTES: usize = 16;

/// Returns a file name without a path, without control, invisible or direction characters, without those that S3's
/// guidelines or shells make special, and not too long.
///
/// Different names can give the same result; [`distinct_name`] and [`distinct_path`] keep them apart.
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

/// Returns the folders of a path and the name, each sanitised. Of a path that is too long, the innermost folders
/// stay.
pub(super) fn sanitise_path(path: &str, name: &str) -> String {
    let mut clean = sanitise(name);
    let mut folders = path.rsplit(['/', '\\']).filter(|folder| !matches!(*folder, "" | "." | ".."));
    // The last is the file itself.
    folders.next();
    for folder in folders {
        let folder = shorten(&sanitise(folder), MAX_FOLDER);
        let longer = format!("{folder}/{clean}");
        // With room for a mark.
        if longer.len() + MARK.len() + 2 * MARK_BYTES > MAX_PATH_IN_KEY {
            break;
        }
        clean = longer;
    }
    clean
}

/// Returns a name that differs for each name and folder: unchanged, or sanitised and with a unique mark.
pub(super) fn distinct_name(path: &str, name: &str) -> String {
    let is_original = path.is_empty() || path == name;
    distinct(sanitise(name), is_original.then_some(name), path, name)
}

/// Returns a path that differs for each path: unchanged, or sanitised and with a unique mark.
pub(super) fn distinct_path(path: &str, name: &str) -> String {
    let original = if path.is_empty() { Some(name) } else { Some(path).filter(|path| path.ends_with(name)) };
    distinct(sanitise_path(path, name), original, path, name)
}

/// Returns `clean` if it equals `original` and contains nothing that reads as a mark; else `clean` with a mark, which is a digest of
/// `path` and `name`.
fn distinct(clean: String, original: Option<&str>, path: &str, name: &str) -> String {
    if original == Some(clean.as_str()) && !clean.contains(MARK) {
        return clean;
    }
    let mut digest = Sha256::new();
    digest.update(path);
    // No path has one.
    digest.update([0xff]);
    digest.update(name);
    let mut mark = MARK.to_owned();
    write_hex(&mut mark, &digest.finalize()[..MARK_BYTES]);
    let (folders, name) =
        clean.rsplit_once('/').map_or(("", clean.as_str()), |(folders, name)| (folders, name));
    let (stem, extension) = split_extension(name);
    let stem = cut(stem, MAX_NAME_IN_KEY - mark.len() - extension.len());
    let slash = if folders.is_empty() { "" } else { "/" };
    [folders, slash, stem, &mark, extension].concat()
}

/// Returns a subject as one path segment, which differs for each subject: `!2f` stands for a slash, and so on.
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
    clean.truncate(MAX_SUBJECT_IN_KEY - MARK.len() - 64);
    clean.push_str(MARK);
    write_hex(&mut clean, &Sha256::digest(subject));
    clean
}

fn write_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
}

fn is_surprising(c: char) -> bool {
    let is_spaced = c.is_whitespace() && c != ' ';
    c.is_control() || is_invisible(c) || is_spaced || "\\{}^%`]\">[~<#|?*:&$@=;+,'".contains(c)
}

/// Returns whether a character is invisible, or reverses the text beside it: two names that look alike must not
/// differ, and `gpj.exe` must not look like a picture.
fn is_invisible(c: char) -> bool {
    const IGNORED: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    const CATEGORY: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();
    if c.is_ascii() {
        return false;
    }
    // The braille pattern without dots is a blank.
    c == '\u{2800}' || IGNORED.contains(c) || CATEGORY.get(c) == GeneralCategory::Format
}

/// Shortens the stem of a long name, and keeps its extension.
fn shorten(name: &str, max: usize) -> String {
    if name.len() <= max {
        return name.to_owned();
    }
    let (stem, extension) = split_extension(name);
    [cut(stem, max - extension.len()), extension].concat()
}

/// Returns a name's stem, and its extension with the dot if that is short.
fn split_extension(name: &str) -> (&str, &str) {
    let dot = name.rfind('.').filter(|dot| name.len() - dot <= MAX_EXTENSION);
    name.split_at(dot.unwrap_or(name.len()))
}

/// Returns the longest beginning of at most `max` bytes.
fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Checks a key: 1 to 1,024 bytes, no control characters or backslashes, no segment that is empty, `.`, `..` or
/// `.partway`.
///
/// # Errors
/// Says which rule it breaks.
pub fn check_key(key: &str) -> Result<(), &'static str> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err("a key must have 1 to 1,024 bytes");
    }
    if key.chars().any(char::is_control) || key.contains('\\') {
        return Err("a key must have no control characters and no backslashes");
    }
    if key.split('/').any(|segment| matches!(segment, "" | "." | ".." | RESERVED)) {
        return Err("a key must have no empty segments, and none that are ., .. or .partway");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, prop_assert_ne, proptest};

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

    #[test]
    fn what_cannot_be_seen_leaves_a_name() {
        for c in [
            '\u{61c}',
            '\u{ad}',
            '\u{180e}',
            '\u{3164}',
            '\u{e0041}',
            '\u{200d}',
            '\u{2066}',
            '\u{fe0f}',
            '\u{2800}',
        ] {
            assert_eq!(sanitise(&format!("a{c}b")), "a_b", "{:x}", u32::from(c));
        }
    }

    #[test]
    fn what_is_kept_is_kept_to_the_letter() {
        assert_eq!(distinct_name("", "a b.jpg"), "a b.jpg");
        assert_eq!(distinct_name("a b.jpg", "a b.jpg"), "a b.jpg");
        assert_eq!(distinct_path("trip/day 1/a.jpg", "a.jpg"), "trip/day 1/a.jpg");
        assert_eq!(distinct_path("", "a.jpg"), "a.jpg");
    }

    #[test]
    fn what_is_changed_is_marked() {
        let marked = distinct_name("", "a?.tar.gz");
        assert!(
            marked.starts_with("a_.tar!!") && marked.ends_with(".gz") && marked.len() == 8 + 32 + 3,
            "{marked}"
        );
        let marked = distinct_path("trip/../a.jpg", "a.jpg");
        assert!(marked.starts_with("trip/a!!") && marked.ends_with(".jpg"), "{marked}");
        assert!(distinct_name("one/a.jpg", "a.jpg").starts_with("a!!"), "its folder is not in it");
    }

    proptest! {
        /// Nothing that is cleaned, shortened or left out makes two files one.
        #[test]
        fn different_files_stay_apart(
            one in "([a!?~ ./\\\\\u{202e}]{0,3}[/]){0,3}", other in "([a!?~ ./\\\\\u{202e}]{0,3}[/]){0,3}",
            name in "[ab!?~ .\u{ad}]{1,4}", another in "[ab!?~ .\u{ad}]{1,4}",
        ) {
            let paths = [format!("{one}{name}"), format!("{other}{another}")];
            let is_same = paths[0] == paths[1] && name == another;
            for distinct in [distinct_name, distinct_path] {
                let keys = [distinct(&paths[0], &name), distinct(&paths[1], &another)];
                prop_assert_eq!(keys[0] == keys[1], is_same, "{:?} {:?}", &paths, &keys);
                // Nor does a name that is a mark already.
                prop_assert_ne!(distinct("", keys[0].rsplit('/').next().unwrap()), distinct(&format!("x?/{}", paths[0]), &name));
            }
        }

        #[test]
        fn long_names_stay_apart(name in "[a-z.]{190,300}", folder in "([a-z]{90,120}/){0,8}") {
            for distinct in [distinct_name, distinct_path] {
                let path = format!("{folder}{name}");
                let key = distinct(&path, &name);
                prop_assert!(key.len() <= MAX_PATH_IN_KEY);
                prop_assert_ne!(&key, &distinct(&format!("{path}x"), &format!("{name}x")));
                prop_assert!(key.rsplit('/').next().unwrap().len() <= MAX_NAME_IN_KEY);
            }
        }

        #[test]
        fn no_name_escapes(name in ".{0,400}") {
            let clean = sanitise(&name);
            prop_assert!(clean.len() <= MAX_NAME_IN_KEY && !clean.is_empty());
            prop_assert!(!clean.chars().any(|c| c.is_control() || c == '/' || c == '\\'));
            prop_assert!(clean != "." && clean != "..");
        }
    }
}
