//! The scope of one caller or of one upload: how a ticket, the application's endpoint, or a hook narrows what a destination takes.

use partway_shared::wire::Operation;
use serde::{Deserialize, Deserializer};

use super::key::{MAX_KEY_PREFIX, check_key};
use super::media_type::is_type_pattern;

/// What one caller may do, or what one upload may be. Where a field is `None`, the destination's rule applies.
///
/// In JSON it is called `limits`. An unknown field is an error: a misspelt limit would not be enforced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// The destinations that exist for the caller; `None` for all but those with `granted_only`.
    pub destinations: Option<Vec<String>>,
    /// The prefix of every key, below the destination's own. It ends with a slash, and has at most 200 bytes.
    pub key_prefix: Option<String>,
    /// The largest file, in bytes.
    pub max_file_size: Option<u64>,
    /// The media types that are accepted, such as `image/*`.
    pub types: Option<Vec<String>>,
    /// The file name extensions that are accepted, such as `jpg`.
    pub extensions: Option<Vec<String>>,
    /// The number of uploads that may be created with the ticket.
    pub max_files: Option<u32>,
    /// What the caller may do, of what the destination allows. JSON without it means uploading alone, so that no ticket gains
    /// what it was not made for; a scope that is made in Rust has `None`, which is all of it.
    #[serde(default = "upload_only", deserialize_with = "operations")]
    pub allow: Option<Vec<Operation>>,
    /// The keys of the only objects that the caller may read, delete and copy.
    pub keys: Option<Vec<String>>,
}

#[allow(clippy::unnecessary_wraps, reason = "the type of the field")]
fn upload_only() -> Option<Vec<Operation>> {
    Some(vec![Operation::Upload])
}

/// Deserializes a list of operations; `null` is no list.
fn operations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Operation>>, D::Error> {
    Ok(Option::deserialize(deserializer)?.or_else(upload_only))
}

/// Where a scope comes from, which decides which of its fields can be enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeSource {
    /// A ticket, whose uses can be counted.
    Ticket,
    /// The application, for a caller that it identifies.
    Application,
    /// A hook, for one upload.
    Hook,
}

impl Scope {
    /// Checks that each field can be enforced for a scope of this source.
    ///
    /// # Errors
    /// Names the field that cannot be enforced, and the rule.
    pub fn check(&self, source: ScopeSource) -> Result<(), &'static str> {
        // Destructured, so that the compiler asks about each field that is added.
        let Self { destinations: _, key_prefix, max_file_size: _, types, extensions, max_files, allow, keys } =
            self;
        match source {
            ScopeSource::Ticket => {}
            ScopeSource::Application if max_files.is_some() => {
                return Err(
                    "only a ticket can have max_files: an answer that is asked for again and again cannot be used up",
                );
            }
            ScopeSource::Hook if max_files.is_some() => {
                return Err("only a ticket can have max_files: a hook decides on one upload");
            }
            ScopeSource::Hook if key_prefix.is_some() => {
                return Err("a hook cannot set key_prefix: it sets key instead");
            }
            ScopeSource::Hook if allow.as_deref().is_some_and(|allow| *allow != [Operation::Upload]) => {
                return Err("a hook cannot set allow: it decides on one upload");
            }
            ScopeSource::Hook if keys.is_some() => {
                return Err("a hook cannot set keys: it sets key instead");
            }
            ScopeSource::Application | ScopeSource::Hook => {}
        }
        if keys.is_some() && self.permits(Operation::List) {
            return Err("a caller with keys cannot list: it knows them");
        }
        if let Some(prefix) = key_prefix {
            if prefix.len() > MAX_KEY_PREFIX {
                return Err("key_prefix may have at most 200 bytes");
            }
            if !prefix.is_empty() && !prefix.ends_with('/') {
                // "a" before "bc" is "ab" before "c".
                return Err("key_prefix must end with a slash");
            }
            check_key(&format!("{prefix}x"))?;
        }
        if !types.iter().flatten().all(|pattern| is_type_pattern(pattern)) {
            return Err("each of types must be like image/png or image/*");
        }
        if !extensions.iter().flatten().all(|extension| is_extension(extension)) {
            return Err("each of extensions must be letters and digits, such as jpg");
        }
        Ok(())
    }

    /// Returns whether the scope permits this operation.
    #[must_use]
    pub fn permits(&self, operation: Operation) -> bool {
        self.allow.as_ref().is_none_or(|allow| allow.contains(&operation))
    }

    /// Returns whether the scope takes an object of this key.
    #[must_use]
    pub fn takes_key(&self, key: &str) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.iter().any(|known| known == key))
    }

    /// Returns whether the scope names this destination; `None` where it names none at all.
    #[must_use]
    pub fn names(&self, destination: &str) -> Option<bool> {
        self.destinations.as_ref().map(|names| names.iter().any(|name| name == destination))
    }
}

/// Returns whether this is an extension of ASCII letters and digits, with or without its dot.
#[must_use]
pub fn is_extension(extension: &str) -> bool {
    let extension = extension.strip_prefix('.').unwrap_or(extension);
    !extension.is_empty() && extension.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Returns whether the file's extension is one of these, in any case.
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
            Scope { key_prefix: Some(prefix.to_owned()), ..Scope::default() }.check(ScopeSource::Ticket)
        };
        assert!(check("albums/7/").is_ok() && check("").is_ok());
        for bad in ["/x", "a", "../", ".partway/", "a/../b", "a//", "a\\", "a\u{0}", &"x".repeat(201)] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_limit_that_cannot_be_enforced_is_an_error() {
        let read = |json: &str| serde_json::from_str::<Scope>(json).unwrap();
        let all = [ScopeSource::Ticket, ScopeSource::Application, ScopeSource::Hook];
        for (json, kept_by) in [
            (r#"{}"#, &all[..]),
            (
                r#"{"max_file_size": 1, "types": ["image/*"], "extensions": [".jpg"], "destinations": []}"#,
                &all,
            ),
            (r#"{"key_prefix": "a/"}"#, &all[..2]),
            (r#"{"max_files": 1}"#, &all[..1]),
            (r#"{"allow": null}"#, &all[..]),
            (r#"{"allow": ["upload"]}"#, &all[..]),
            (r#"{"allow": ["upload", "get", "list"]}"#, &all[..2]),
            (r#"{"keys": ["a"], "allow": ["get", "delete"]}"#, &all[..2]),
            (r#"{"keys": ["a"], "allow": ["get", "list"]}"#, &[]),
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
    fn what_a_ticket_does_not_say_it_does_not_grant() {
        let read = |json: &str| serde_json::from_str::<Scope>(json).unwrap();
        for silent in ["{}", r#"{"destinations": ["a"]}"#, r#"{"allow": null}"#] {
            let scope = read(silent);
            assert!(scope.permits(Operation::Upload) && !scope.permits(Operation::Get), "{silent}");
        }
        let reader = read(r#"{"allow": ["get"], "keys": ["a", "b"]}"#);
        assert!(reader.permits(Operation::Get) && !reader.permits(Operation::Upload));
        assert!(reader.takes_key("a") && !reader.takes_key("c") && !reader.takes_key("a/b"));
        assert!(Scope::default().permits(Operation::Delete) && Scope::default().takes_key("c"));
        assert!(serde_json::from_str::<Scope>(r#"{"allow": ["read"]}"#).is_err());
    }

    #[test]
    fn a_misspelt_limit_is_an_error() {
        assert!(serde_json::from_str::<Scope>(r#"{"max_file_sise": 1}"#).is_err());
        let read: Scope = serde_json::from_str(r#"{"destinations": ["a"], "max_files": 3}"#).unwrap();
        assert_eq!((read.names("a"), read.names("b"), read.max_files), (Some(true), Some(false), Some(3)));
    }
}
