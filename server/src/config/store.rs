//! `[store]`: the bucket and how to reach it.

use secrecy::SecretString;
use serde::Deserialize;

use crate::signing::Address;

use super::SettingsError;

/// The bucket. Without one the embedded store is used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The bucket's name.
    pub bucket: Option<String>,
    /// Its region. Default: that of the environment or the profile, else `us-east-1`.
    pub region: Option<String>,
    /// The endpoint of a store other than AWS, such as `https://s3.example.com`.
    pub endpoint: Option<String>,
    /// The endpoint as browsers reach it, where that differs. URLs are signed for it.
    pub public_endpoint: Option<String>,
    /// Whether the bucket stands in the path (`https://host/bucket/key`). Default: yes with an
    /// endpoint of its own, no for AWS.
    pub path_style: Option<bool>,
    /// Credentials. Default: AWS's usual chain of environment, profile, container and instance.
    pub access_key_id: Option<String>,
    /// The other half of the credentials.
    pub secret_access_key: Option<SecretString>,
}

impl StoreConfig {
    /// Whether the bucket stands in the path.
    #[must_use]
    pub fn is_path_style(&self) -> bool {
        self.path_style.unwrap_or(self.endpoint.is_some())
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        match (&self.access_key_id, &self.secret_access_key) {
            (Some(_), None) => {
                return Err(SettingsError::unusable(
                    "store.secret_access_key",
                    "it must be set with access_key_id",
                ));
            }
            (None, Some(_)) => {
                return Err(SettingsError::unusable(
                    "store.access_key_id",
                    "it must be set with secret_access_key",
                ));
            }
            _ => {}
        }
        let endpoints =
            [("store.endpoint", &self.endpoint), ("store.public_endpoint", &self.public_endpoint)];
        for (setting, endpoint) in endpoints {
            if let Some(endpoint) = endpoint {
                Address::new(endpoint, "bucket", true)
                    .map_err(|error| SettingsError::unusable(setting, format!("{endpoint:?}: {error}")))?;
            }
        }
        Ok(())
    }
}
