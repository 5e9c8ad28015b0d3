//! The credentials that sign, kept until shortly before they expire.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::RwLock;

/// New ones are asked for when the old have less than this left.
const REFRESH_BEFORE: Duration = Duration::from_secs(5 * 60);

/// A provider with a memory: the chain of providers may ask a metadata service each time.
#[derive(Clone, Debug)]
pub struct CredentialSource {
    provider: SharedCredentialsProvider,
    current: Arc<RwLock<Option<Credentials>>>,
}

impl CredentialSource {
    /// Remembers what this provider gives.
    #[must_use]
    pub fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, current: Arc::default() }
    }

    /// Credentials that are good for a while yet.
    ///
    /// # Errors
    /// When the provider has none, and the old ones have expired.
    pub async fn get(&self) -> Result<Credentials, CredentialsError> {
        if let Some(fresh) = self.current.read().await.as_ref().filter(|known| lasts(known, REFRESH_BEFORE)) {
            return Ok(fresh.clone());
        }
        let mut current = self.current.write().await;
        if let Some(fresh) = current.as_ref().filter(|known| lasts(known, REFRESH_BEFORE)) {
            return Ok(fresh.clone());
        }
        match self.provider.provide_credentials().await {
            Ok(credentials) => Ok(current.insert(credentials).clone()),
            // The old ones still work for some minutes; the next request asks again.
            Err(error) => current.clone().filter(|known| lasts(known, Duration::ZERO)).ok_or(error),
        }
    }
}

fn lasts(credentials: &Credentials, at_least: Duration) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + at_least)
}
