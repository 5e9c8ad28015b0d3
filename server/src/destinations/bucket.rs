//! A bucket as uploads use it: what signs for it, and how it is checked.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use partway_shared::error::{ErrorCode, Problem};

use crate::config::UploadsConfig;
use crate::signing::{CredentialSource, Hosts, Presigner};
use crate::store::named::NamedStore;
use crate::verification::Verification;

/// A bucket of one of the stores.
pub struct Bucket {
    /// The bucket's name.
    pub name: String,
    /// The bucket's region.
    pub region: String,
    /// Where browsers find the bucket.
    pub hosts: Arc<Hosts>,
    /// What signs URLs.
    pub credentials: CredentialSource,
    /// The largest file that is sent as a form, if forms are wanted.
    form_max: Option<u64>,
    /// How uploads are checked.
    pub verification: Verification,
    /// How long URLs are good.
    pub url_lifetime: Duration,
}

impl Bucket {
    /// The bucket of this store.
    #[must_use]
    pub fn new(named: &NamedStore, verification: Verification, uploads: &UploadsConfig) -> Self {
        Self {
            name: named.bucket.clone(),
            region: named.region.clone(),
            hosts: Arc::clone(&named.public_hosts),
            credentials: named.credentials.clone(),
            form_max: named.post_forms.then_some(uploads.form_max.as_u64()),
            verification,
            url_lifetime: uploads.url_lifetime,
        }
    }

    /// The largest file that is sent as a form; none where the store takes no forms, or does not check them.
    #[must_use]
    pub fn form_max(&self) -> Option<u64> {
        self.form_max.filter(|_| self.verification.takes_forms())
    }

    /// Signs for this bucket, now.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn presigner(&self) -> Result<Presigner<'_>, Problem> {
        let credentials = self.credentials.get().await.map_err(|error| {
            tracing::error!(%error, bucket = self.name, "no credentials to sign with");
            Problem::new(
                ErrorCode::StoreDenied,
                "the server has no credentials for the store; its log says more",
            )
        })?;
        Ok(Presigner::new(&self.hosts, &self.region, &credentials, self.url_lifetime, SystemTime::now()))
    }
}
