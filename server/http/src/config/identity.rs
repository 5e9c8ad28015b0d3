//! `[identity]`: how callers are authenticated.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::verifying_key::VerifyingKey;

use super::hooks::check_url;
use super::{SettingsError, choice, duration, list};

/// The settings of authentication.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// The kind: `none` (the default; on loopback only), `jwt` or `forward`.
    #[serde(deserialize_with = "choice")]
    pub kind: IdentityKind,
    /// The settings of `jwt`.
    pub jwt: JwtConfig,
    /// The settings of `forward`.
    pub forward: ForwardConfig,
}

/// How callers are authenticated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityKind {
    /// Not at all.
    #[default]
    None,
    /// By a bearer token: a JWT of an identity provider, or a ticket of the application.
    Jwt,
    /// By the application's endpoint.
    Forward,
}

/// The settings of bearer tokens. Exactly one of `secret`, `public_key` and `jwks_url` gives the key.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JwtConfig {
    /// A secret shared with the issuer (HS256), of at least 32 bytes.
    pub secret: Option<SecretString>,
    /// A public key in PEM (RS256, ES256 or EdDSA, by the type of the key).
    pub public_key: Option<String>,
    /// The URL at which an identity provider publishes its keys (RS256, ES256, EdDSA).
    pub jwks_url: Option<String>,
    /// How long keys from `jwks_url` are cached. Default: `10m`. A token with an unknown key refreshes them earlier.
    #[serde(deserialize_with = "duration::required")]
    pub jwks_lifetime: Duration,
    /// The shortest time between two requests to the provider, whatever keys tokens name. Default: `30s`.
    ///
    /// A shorter time accepts a new key sooner; a longer one lets fewer tokens with forged key ids reach the
    /// provider.
    #[serde(deserialize_with = "duration::required")]
    pub jwks_cool_down: Duration,
    /// The accepted audiences; `aud` must contain one of them. Default: `partway`.
    #[serde(deserialize_with = "list")]
    pub audience: Vec<String>,
    /// The accepted issuers; `iss` must be one of them. Default: any that has the key.
    #[serde(deserialize_with = "list")]
    pub issuer: Vec<String>,
    /// The clock skew that is tolerated, at most `10m`. Default: `30s`.
    #[serde(deserialize_with = "duration::required")]
    pub leeway: Duration,
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            secret: None,
            public_key: None,
            jwks_url: None,
            jwks_lifetime: Duration::from_secs(10 * 60),
            jwks_cool_down: Duration::from_secs(30),
            audience: vec!["partway".to_owned()],
            issuer: Vec::new(),
            leeway: Duration::from_secs(30),
        }
    }
}

/// The settings of the application's endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForwardConfig {
    /// The URL that is called with GET. 200 with `{"subject": "…"}` accepts the caller; 401 and 403 refuse it.
    pub url: Option<String>,
    /// The request headers that are passed on. Default: `authorization` and `cookie`.
    #[serde(deserialize_with = "list")]
    pub headers: Vec<String>,
    /// The timeout of a call. Default: `5s`.
    #[serde(deserialize_with = "duration::required")]
    pub timeout: Duration,
    /// How long an answer is cached for the same credentials. Default: `10s`; `0s` asks every time.
    #[serde(deserialize_with = "duration::required")]
    pub cache: Duration,
}

impl Default for ForwardConfig {
    fn default() -> Self {
        Self {
            url: None,
            headers: vec!["authorization".to_owned(), "cookie".to_owned()],
            timeout: Duration::from_secs(5),
            cache: Duration::from_secs(10),
        }
    }
}

impl IdentityConfig {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        match self.kind {
            IdentityKind::None => Ok(()),
            IdentityKind::Jwt => self.jwt.validate(),
            IdentityKind::Forward => self.forward.validate(),
        }
    }
}

impl JwtConfig {
    fn validate(&self) -> Result<(), SettingsError> {
        let given = [self.secret.is_some(), self.public_key.is_some(), self.jwks_url.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            let why = "exactly one of secret, public_key and jwks_url must be set";
            return Err(SettingsError::unusable("identity.jwt", why));
        }
        if self.secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < 32) {
            return Err(SettingsError::unusable("identity.jwt.secret", "it must have at least 32 bytes"));
        }
        if let Some(pem) = &self.public_key {
            VerifyingKey::from_pem(pem)
                .map_err(|why| SettingsError::unusable("identity.jwt.public_key", why))?;
        }
        if let Some(url) = &self.jwks_url {
            check_url("identity.jwt.jwks_url", url)?;
        }
        if self.audience.is_empty() {
            let why = "it must have an audience; otherwise tokens for other services would be accepted";
            return Err(SettingsError::unusable("identity.jwt.audience", why));
        }
        if self.leeway > Duration::from_secs(10 * 60) {
            return Err(SettingsError::unusable("identity.jwt.leeway", "it must be at most 10m"));
        }
        Ok(())
    }
}

impl ForwardConfig {
    fn validate(&self) -> Result<(), SettingsError> {
        let Some(url) = &self.url else {
            return Err(SettingsError::unusable(
                "identity.forward.url",
                "it must be set when identity.kind is \"forward\"",
            ));
        };
        check_url("identity.forward.url", url)?;
        for (index, name) in self.headers.iter().enumerate() {
            if name.parse::<actix_web::http::header::HeaderName>().is_err() {
                let setting = format!("identity.forward.headers[{index}]");
                return Err(SettingsError::unusable(setting, "it is not the name of a header"));
            }
        }
        if self.headers.is_empty() {
            let why = "it must have a header; otherwise the application cannot identify the caller";
            return Err(SettingsError::unusable("identity.forward.headers", why));
        }
        if self.timeout.is_zero() || self.timeout > Duration::from_secs(60) {
            return Err(SettingsError::unusable(
                "identity.forward.timeout",
                "it must be more than 0s and at most 1m",
            ));
        }
        Ok(())
    }
}
