//! Owns HTTP's preconditions: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since.
//! Never looks anything up.

use std::time::{Duration, UNIX_EPOCH};

use s3s::dto::{ETag, ETagCondition, Timestamp};

use super::errors::Error;

/// The conditions that a read sets on the object.
#[derive(Debug, Default)]
pub(crate) struct ReadConditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// Checks the conditions in the order of RFC 9110, section 13.2.2; an ETag overrides a date.
    pub(crate) fn check(&self, etag: &str, modified_ms: u64) -> Result<(), Error> {
        // HTTP dates have whole seconds.
        let modified = Timestamp::from(UNIX_EPOCH + Duration::from_secs(modified_ms / 1000));
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(wanted), _) if !matches(wanted, etag) => {
                return Err(Error::PreconditionFailed("If-Match"));
            }
            (None, Some(since)) if modified > *since => {
                return Err(Error::PreconditionFailed("If-Unmodified-Since"));
            }
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(unwanted), _) if matches(unwanted, etag) => {
                Err(Error::NotModified { etag: etag.to_owned() })
            }
            (None, Some(since)) if modified <= *since => Err(Error::NotModified { etag: etag.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Checks the conditions on the source of a copy, to which 304 does not apply.
    pub(crate) fn check_copy(&self, etag: &str, modified_ms: u64) -> Result<(), Error> {
        self.check(etag, modified_ms).map_err(|error| match error {
            Error::NotModified { .. } => Error::PreconditionFailed("x-amz-copy-source-if"),
            error => error,
        })
    }
}

/// The conditions that a write sets on the object that it would replace.
#[derive(Debug, Default)]
pub(crate) struct WriteConditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
}

impl WriteConditions {
    /// Checks the conditions against the ETag of the object under the key, if there is one.
    pub(crate) fn check(&self, existing: Option<&str>) -> Result<(), Error> {
        match (&self.if_match, existing) {
            (Some(_), None) => return Err(Error::NoSuchKey),
            (Some(wanted), Some(etag)) if !matches(wanted, etag) => {
                return Err(Error::PreconditionFailed("If-Match"));
            }
            _ => {}
        }
        match (&self.if_none_match, existing) {
            (Some(unwanted), Some(etag)) if matches(unwanted, etag) => {
                Err(Error::PreconditionFailed("If-None-Match"))
            }
            _ => Ok(()),
        }
    }
}

fn matches(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(ETag::Strong(value) | ETag::Weak(value)) => value == etag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etag(value: &str) -> Option<ETagCondition> {
        Some(ETagCondition::ETag(ETag::Strong(value.to_owned())))
    }

    fn at(seconds: u64) -> Option<Timestamp> {
        Some((UNIX_EPOCH + Duration::from_secs(seconds)).into())
    }

    #[test]
    fn an_etag_overrules_a_date() {
        let both = ReadConditions { if_match: etag("a"), if_unmodified_since: at(1), ..Default::default() };
        assert!(both.check("a", 5_000).is_ok());
        let both =
            ReadConditions { if_none_match: etag("b"), if_modified_since: at(9), ..Default::default() };
        assert!(both.check("a", 5_000).is_ok());
    }

    #[test]
    fn dates_compare_in_whole_seconds() {
        let since = ReadConditions { if_modified_since: at(5), ..Default::default() };
        assert!(matches!(since.check("a", 5_999), Err(Error::NotModified { .. })));
        assert!(since.check("a", 6_000).is_ok());
        let since = ReadConditions { if_unmodified_since: at(5), ..Default::default() };
        assert!(since.check("a", 5_999).is_ok());
        assert!(since.check("a", 6_000).is_err());
    }

    #[test]
    fn writes_can_ask_for_an_empty_place_or_for_a_known_object() {
        let empty = WriteConditions { if_none_match: Some(ETagCondition::Any), ..Default::default() };
        assert!(empty.check(None).is_ok() && empty.check(Some("a")).is_err());
        let known = WriteConditions { if_match: etag("a"), ..Default::default() };
        assert!(known.check(Some("a")).is_ok() && known.check(Some("b")).is_err());
        assert!(matches!(known.check(None), Err(Error::NoSuchKey)));
    }
}
