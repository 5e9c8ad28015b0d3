//! `[sweep]`: when the server removes expired uploads.

use std::time::Duration;

use partway_s3::bucket::Sweeping;
use serde::Deserialize;

use super::{SettingsError, duration};

/// The interval between two sweeps, unless it is set.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The settings of sweeping.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SweepConfig {
    /// Whether the server sweeps. Default: yes for the embedded store and with a `key_prefix`. In a whole bucket
    /// other programs may have uploads under way, so only `.partway/` is swept.
    pub enabled: Option<bool>,
    /// The interval between two sweeps. Default: `1h`, at least `1s`. It varies by a tenth at random, so that
    /// replicas do not sweep together.
    #[serde(deserialize_with = "duration::optional")]
    pub interval: Option<Duration>,
}

impl SweepConfig {
    /// Returns the interval between two sweeps.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval.unwrap_or(DEFAULT_INTERVAL)
    }

    /// Returns what to sweep in a bucket: the embedded store's, or one with this prefix.
    #[must_use]
    pub fn sweeping(&self, is_embedded: bool, key_prefix: &str) -> Sweeping {
        match self.enabled {
            Some(false) => Sweeping::Nothing,
            None if !is_embedded && key_prefix.is_empty() => Sweeping::OwnFiles,
            None | Some(true) => Sweeping::Everything,
        }
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        if self.interval() < Duration::from_secs(1) {
            return Err(SettingsError::unusable("sweep.interval", "it must be at least 1s"));
        }
        Ok(())
    }
}
