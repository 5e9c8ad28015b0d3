//! What one caller may do less than others: said by a ticket, by the application's endpoint, or by a hook.

use serde::Deserialize;

use super::key::{MAX_KEY_PREFIX, check_key};
use super::media_type::is_type_pattern;

/// Limits of one caller, or of one upload. What is not said is as the destination has it.
///
/// A name that is not known is an error: a limit that is misspelt would be none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The destinations that exist for the caller.
    pub destinations: Option<Vec<String>>,
    /// What every key begins with, below the destination's own prefix.
    pub key_prefix: Option<String>,
    /// The largest file, in bytes.
    pub max_file_size: Option<u64>,
    /// The media types that are taken, such as `image/*`.
    pub types: Option<Vec<String>>,
    /// The extensions that are taken, such as `jpg`.
    pub extensions: Option<Vec<String>>,
    /// How many uploads may be created with the ticket.
    pub max_files: Option<u32>,
}

/// Who says limits, which settles which of them can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidBy {
    /// A ticket, whose uses can be counted.
    Ticket,
    /// The application, of a caller whom it knows.
    Application,
    /// A hook, of one upload.
    Hook,
}

impl Limits {
    /// Whether they can be kept, said by this. One that could not would be none.
    ///
    /// # Errors
    /// Says what cannot.
    pub fn check(&self, by: SaidBy) -> Result<(), &'static str> {
        // Taken apart whole, so that nobody adds a limit without asking who can say it.
        let Self { destinations: _, key_prefix, max_file_size: _, types, extensions, max_files } = self;
        match by {
            SaidBy::Ticket => {}
            SaidBy::Application if max_files.is_some() => {
                return Err(
                    "max_files is a ticket's: an answer that is asked for again and again cannot be used up",
                );
            }
            SaidBy::Hook if max_files.is_some() => {
                return Err("max_files is a ticket's: a hook decides on one upload");
            }
            SaidBy::Hook if key_prefix.is_some() => {
                return Err("key_prefix is a caller's: a hook decides by key where an upload goes");
            }
            SaidBy::Application | SaidBy::Hook => {}
        }
        if let Some(prefix) = key_prefix {
            if prefix.len() > MAX_KEY_PREFIX {
                return Err("key_prefix has at most 200 bytes");
            }
            if !prefix.is_empty() && !prefix.ends_with('/') {
                // "a" before "bc" is "ab" before "c".
                return Err("key_prefix ends with a slash");
            }
            check_key(&format!("{prefix}x"))?;
        }
        if !types.iter().flatten().all(|pattern| is_type_pattern(pattern)) {
            return Err("types are such as image/png or image/*");
        }
        if !extensions.iter().flatten().all(|extension| is_extension(extension)) {
            return Err("extensions are such as jpg");
        }
        Ok(())
    }

    /// Whether a destination of this name exists for the caller.
    #[must_use]
    pub fn names(&self, destination: &str) -> Option<bool> {
        self.destinations.as_ref().map(|names| names.iter().any(|name| name == destination))
    }
}

/// Whether this can be the end of a name, with its dot or without.
#[must_use]
pub fn is_extension(extension: &str) -> bool {
    let extension = extension.strip_prefix('.').unwrap_or(extension);
    !extension.is_empty() && extension.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether one of these extensions is the file's.
pub(super) fn takes_extension(extensions: &[String], extension: Option<&str>) -> bool {
    extension.is_some_and(|given| {
        extensions.iter().any(|taken| taken.trim_start_matches('.').eq_ignore_ascii_case(given))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_taken_in_any_case() {
        assert!(
            takes_extension(&[".JPG".to_owned()], Some("jpg")) && !takes_extension(&["jpg".to_owned()], None)
        );
    }

    #[test]
    fn a_prefix_stays_below_the_destination() {
        let check = |prefix: &str| {
            Limits { key_prefix: Some(prefix.to_owned()), ..Limits::default() }.check(SaidBy::Ticket)
        };
        assert!(check("albums/7/").is_ok() && check("").is_ok());
        for bad in ["/x", "a", "../", ".partway/", "a/../b", "a//", "a\\", "a\u{0}", &"x".repeat(201)] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_limit_that_cannot_be_kept_is_an_error() {
        let read = |json: &str| serde_json::from_str::<Limits>(json).unwrap();
        let all = [SaidBy::Ticket, SaidBy::Application, SaidBy::Hook];
        for (json, kept_by) in [
            (r#"{}"#, &all[..]),
            (
                r#"{"max_file_size": 1, "types": ["image/*"], "extensions": [".jpg"], "destinations": []}"#,
                &all,
            ),
            (r#"{"key_prefix": "a/"}"#, &all[..2]),
            (r#"{"max_files": 1}"#, &all[..1]),
            (r#"{"extensions": ["tar.gz"]}"#, &[]),
            (r#"{"extensions": ["."]}"#, &[]),
            (r#"{"extensions": ["*"]}"#, &[]),
            (r#"{"types": ["image"]}"#, &[]),
            (r#"{"key_prefix": "/"}"#, &[]),
        ] {
            for by in all {
                assert_eq!(read(json).check(by).is_ok(), kept_by.contains(&by), "{json} {by:?}");
            }
        }
    }

    #[test]
    fn a_misspelt_limit_is_an_error() {
        assert!(serde_json::from_str::<Limits>(r#"{"max_file_sise": 1}"#).is_err());
        let read: Limits = serde_json::from_str(r#"{"destinations": ["a"], "max_files": 3}"#).unwrap();
        assert_eq!((read.names("a"), read.names("b"), read.max_files), (Some(true), Some(false), Some(3)));
    }
}
