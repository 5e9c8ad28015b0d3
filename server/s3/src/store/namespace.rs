//! The keys that are Partway's own: `.partway/` below the key prefix, where no client's key can be.

use uuid::Uuid;

/// What they begin with, below the key prefix.
pub const NAMESPACE: &str = ".partway/";

/// Where a file waits that was sent as a whole, until its upload is completed.
#[must_use]
pub fn incoming(key_prefix: &str, upload: Uuid) -> String {
    format!("{key_prefix}{NAMESPACE}incoming/{upload}")
}

/// Stands for as long as an upload's object may be there and not all of what a completion does is done.
#[must_use]
pub fn unfinished(key_prefix: &str, upload: Uuid) -> String {
    format!("{key_prefix}{NAMESPACE}unfinished/{upload}")
}

/// What a probe tries things out with; nothing has this key.
#[must_use]
pub fn probe(key_prefix: &str) -> String {
    format!("{key_prefix}{NAMESPACE}probe-{}", Uuid::new_v4())
}

/// Whether a key is one of these.
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
