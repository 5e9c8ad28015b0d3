//! `[limits]`: the quotas of each subject.

use bytesize::ByteSize;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::SettingsError;

/// The quotas of each subject. What is not set is not limited.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Requests per second, on average. Default: no limit.
    pub requests_per_second: Option<u32>,
    /// The number of requests that may come at once. Default: ten seconds' worth.
    pub burst: Option<u32>,
    /// Uploads that are neither completed nor aborted nor expired. Default: no limit.
    pub open_uploads: Option<u32>,
    /// Bytes for which uploads may be created per day (UTC). Default: no limit.
    pub bytes_per_day: Option<ByteSize>,
    /// Bytes of objects for which URLs that read are signed per day (UTC), each object once. Default: no limit.
    pub signed_bytes_per_day: Option<ByteSize>,
    /// The Redis that replicas share counters in: `redis://host:6379/0`. Default: none; each replica counts in
    /// memory.
    ///
    /// While Redis is away, requests that would be counted are refused.
    pub redis_url: Option<SecretString>,
    /// The prefix of every key in Redis. Default: `partway:`.
    pub redis_prefix: Option<String>,
}

impl LimitsConfig {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        for (setting, value) in [
            ("limits.requests_per_second", self.requests_per_second),
            ("limits.burst", self.burst),
            ("limits.open_uploads", self.open_uploads),
        ] {
            if value == Some(0) {
                return Err(SettingsError::unusable(setting, "it must be at least 1"));
            }
        }
        if self.burst.is_some() && self.requests_per_second.is_none() {
            return Err(SettingsError::unusable("limits.burst", "it needs limits.requests_per_second"));
        }
        if let Some(url) = &self.redis_url
            && let Err(error) = redis::Client::open(url.expose_secret())
        {
            // The URL may hold a password, so it is not repeated.
            let why = format!("it must be an address such as redis://127.0.0.1:6379/0: {error}");
            return Err(SettingsError::unusable("limits.redis_url", why));
        }
        Ok(())
    }
}
