//! The keys of Partway itself: `.partway/` below the key prefix, where no client's key can be.

use uuid::Uuid;

/// The prefix of these keys, below the key prefix.
pub const NAMESPACE: &str = ".partway/";

/// Returns the key under which a file that was sent by one PUT waits until its upload is completed.
#[must_use]
pub fn incoming(key_prefix: &str, upload: Uuid) -> String {
    format!("{key_prefix}{NAMESPACE}incoming/{upload}")
}

/// Returns the key of the mark that an upload's completion is under way: its object may exist, but hooks may not have
/// been told.
#[must_use]
pub fn unfinished(key_prefix: &str, upload: Uuid) -> String {
    format!("{key_prefix}{NAMESPACE}unfinished/{upload}")
}

/// Returns a random key for a probe.
#[must_use]
pub fn probe(key_prefix: &str) -> String {
    format!("{key_prefix}{NAMESPACE}probe-{}", Uuid::new_v4())
}

/// Returns whether a key is one of these.
#[must_use]
pub fn is_own(key_prefix: &str, key: &str) -> bool {
    key.strip_prefix(key_prefix).is_some_and(|below| below.starts_with(NAMESPACE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_keys_are_below_the_prefix() {
        for prefix in ["", "in/", "in"] {
            for own in [incoming(prefix, Uuid::nil()), unfinished(prefix, Uuid::nil()), probe(prefix)] {
                assert!(is_own(prefix, &own), "{own}");
            }
        }
        for other in ["in/a", ".partway/a", "in/.partway", "in/.partways/a", "in/a/.partway/b"] {
            assert!(!is_own("in/", other), "{other}");
        }
    }
}
