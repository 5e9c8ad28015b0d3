//! `[hooks]`: calls to the application about uploads and objects.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::signing_secret::SigningSecret;

use super::{SettingsError, duration};

/// The settings of hooks. Requests are signed after Standard Webhooks.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HooksConfig {
    /// The URL that is called before uploads are created, and may refuse or change them. Default: none.
    pub before_create: Option<String>,
    /// The URL that is called for each completed upload, before the client is answered. Default: none.
    ///
    /// A completion counts once this has answered 2xx; until then the client retries.
    pub after_complete: Option<String>,
    /// The URL that is called before objects are read, listed, deleted or copied, and may refuse. Default: none.
    pub before_access: Option<String>,
    /// The secret that signs requests: `whsec_` and at least 24 random bytes in base64.
    pub secret: Option<SecretString>,
    /// The timeout of one attempt. Default: `10s`.
    #[serde(deserialize_with = "duration::required")]
    pub timeout: Duration,
    /// The number of attempts before a hook counts as unavailable, from 1 to 10. Default: 3.
    pub attempts: u32,
}

impl Default for HooksConfig {
    fn default() -> Self {
        Self {
            before_create: None,
            after_complete: None,
            before_access: None,
            secret: None,
            timeout: Duration::from_secs(10),
            attempts: 3,
        }
    }
}

impl HooksConfig {
    /// Returns whether a hook is configured.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        self.before_create.is_some() || self.after_complete.is_some() || self.before_access.is_some()
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        for (setting, url) in [
            ("hooks.before_create", &self.before_create),
            ("hooks.after_complete", &self.after_complete),
            ("hooks.before_access", &self.before_access),
        ] {
            url.as_ref().map_or(Ok(()), |url| check_url(setting, url))?;
        }
        match &self.secret {
            None if self.is_used() => {
                let why = "hooks are signed: set it to \"whsec_\" and 24 to 64 random bytes in base64, such as from \
                           `echo whsec_$(openssl rand -base64 32)`";
                return Err(SettingsError::unusable("hooks.secret", why));
            }
            Some(secret) => SigningSecret::parse(secret.expose_secret())
                .map(drop)
                .map_err(|why| SettingsError::unusable("hooks.secret", why))?,
            None => {}
        }
        if self.timeout.is_zero() || self.timeout > Duration::from_secs(120) {
            return Err(SettingsError::unusable("hooks.timeout", "it must be more than 0s and at most 2m"));
        }
        if !(1..=10).contains(&self.attempts) {
            return Err(SettingsError::unusable("hooks.attempts", "it must be from 1 to 10"));
        }
        Ok(())
    }
}

/// Checks a URL that the server calls.
pub(super) fn check_url(setting: &str, url: &str) -> Result<(), SettingsError> {
    let parsed = Url::parse(url)
        .map_err(|error| SettingsError::unusable(setting, format!("it is not a URL: {error}")))?;
    if matches!(parsed.scheme(), "http" | "https") && parsed.host_str().is_some() {
        return Ok(());
    }
    Err(SettingsError::unusable(setting, "it must be an http or https URL with a host"))
}
