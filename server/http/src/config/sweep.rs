//! `[sweep]`: when the server removes uploads that have expired tokens.

use std::time::Duration;

use partway_s3::bucket::Sweeping;
use serde::Deserialize;

use super::{SettingsError, duration};

/// How often the server sweeps where nothing else is said.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Sweeping.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SweepConfig {
    /// Whether the server sweeps. Default: yes for the embedded store and below a `key_prefix`; of a whole bucket, in
    /// which other programs may have uploads under way that the server knows nothing of, only what lies in `.partway/`.
    pub enabled: Option<bool>,
    /// How often. Default `1h`, at least `1s`; each round is moved at random by a tenth, so that replicas do not
    /// sweep together.
    #[serde(deserialize_with = "duration::optional")]
    pub interval: Option<Duration>,
}

impl SweepConfig {
    /// How often to sweep.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval.unwrap_or(DEFAULT_INTERVAL)
    }

    /// What to sweep of a store: the embedded one, or another with this prefix.
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
