//! The keys that an identity provider publishes (JWKS): cached, and refreshed when they are old or a key is unknown,
//! but never so often that tokens with forged key ids could flood the provider.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use partway_s3::http_client::HttpClient;
use partway_shared::error::{ErrorCode, Problem};
use tokio::sync::{Mutex, RwLock};
use tokio::time::Instant;

use crate::config::JwtConfig;
use crate::redact;
use crate::verifying_key::VerifyingKey;

/// The time between two attempts before the first success.
const FIRST_COOL_DOWN: Duration = Duration::from_secs(1);
/// The timeout of an attempt.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest key set in bytes.
const MAX_BYTES: usize = 1 << 20;

/// A provider's keys.
pub(super) struct Jwks {
    url: String,
    lifetime: Duration,
    cool_down: Duration,
    client: HttpClient,
    known: RwLock<Option<Arc<Known>>>,
    /// When the provider was last asked; locked while it is asked.
    asked: Mutex<Option<Instant>>,
}

struct Known {
    keys: Vec<(Option<String>, VerifyingKey)>,
    since: Instant,
}

impl Known {
    /// Returns the key with this id; without an id, the only one for the algorithm.
    fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<VerifyingKey> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|(name, key)| key.algorithm == algorithm && (kid.is_none() || name.as_deref() == kid));
        let first = fitting.next()?;
        (kid.is_some() || fitting.next().is_none()).then(|| first.1.clone())
    }
}

impl Jwks {
    pub(super) fn new(url: &str, config: &JwtConfig) -> Result<Self, String> {
        Ok(Self {
            url: url.to_owned(),
            lifetime: config.jwks_lifetime,
            cool_down: config.jwks_cool_down,
            client: HttpClient::new(TIMEOUT)?,
            known: RwLock::default(),
            asked: Mutex::default(),
        })
    }

    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<VerifyingKey, Problem> {
        let unknown =
            || Problem::new(ErrorCode::CredentialsInvalid, "the token is signed with an unknown key");
        let known = self.known.read().await.clone();
        let found = known.as_ref().and_then(|known| known.find(kid, algorithm));
        match (&known, found) {
            (Some(known), Some(key)) if known.since.elapsed() < self.lifetime => return Ok(key),
            _ => {}
        }
        let known = self.refresh(known.as_ref()).await;
        let away =
            || Problem::new(ErrorCode::IdentityUnavailable, "the identity provider's keys cannot be fetched");
        known.ok_or_else(away)?.find(kid, algorithm).ok_or_else(unknown)
    }

    /// Refreshes the keys, unless that was done just now, and returns what is known then.
    async fn refresh(&self, seen: Option<&Arc<Known>>) -> Option<Arc<Known>> {
        let mut asked = self.asked.lock().await;
        let known = self.known.read().await.clone();
        let is_newer = match (&known, seen) {
            (Some(known), Some(seen)) => !Arc::ptr_eq(known, seen),
            (known, None) => known.is_some(),
            (None, Some(_)) => false,
        };
        // Where there never was an answer, the next request may try sooner.
        let pause = if known.is_some() { self.cool_down } else { self.cool_down.min(FIRST_COOL_DOWN) };
        if is_newer || asked.is_some_and(|asked| asked.elapsed() < pause) {
            return known;
        }
        *asked = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                let fresh = Arc::new(Known { keys, since: Instant::now() });
                *self.known.write().await = Some(Arc::clone(&fresh));
                Some(fresh)
            }
            Err(why) => {
                tracing::warn!(url = %redact::urls(&self.url), why, "the identity provider's keys could not be fetched");
                // The old ones go on being good: the provider being away is no reason to shut everybody out.
                known
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<(Option<String>, VerifyingKey)>, String> {
        let called = self.client.call(Method::GET, &self.url, HeaderMap::new(), Bytes::new(), MAX_BYTES);
        let answer = called.await?;
        if answer.status != 200 {
            return Err(format!("HTTP status {}", answer.status));
        }
        let set: JwkSet =
            serde_json::from_slice(&answer.body).map_err(|error| format!("not a set of keys: {error}"))?;
        let keys: Vec<_> = set.keys.iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err("no key in it is for RS256, ES256 or EdDSA signatures".to_owned());
        }
        Ok(keys)
    }
}

/// Converts a published key, if it is for a supported algorithm. Shared secrets are not accepted.
fn usable(jwk: &Jwk) -> Option<(Option<String>, VerifyingKey)> {
    if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(params) if params.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(params) if params.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let is_for_it = match jwk.common.key_algorithm {
        None => true,
        Some(KeyAlgorithm::RS256) => algorithm == Algorithm::RS256,
        Some(KeyAlgorithm::ES256) => algorithm == Algorithm::ES256,
        Some(KeyAlgorithm::EdDSA) => algorithm == Algorithm::EdDSA,
        Some(_) => false,
    };
    if !is_for_it {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some((jwk.common.key_id.clone(), VerifyingKey { key, algorithm }))
}
