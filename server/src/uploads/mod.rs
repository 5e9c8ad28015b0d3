//! What happens to an upload, behind the routes: created, signed, completed, aborted.
//!
//! It knows neither HTTP nor the SDK. All it remembers of an upload is in its token
//! and in the store.

mod abort;
mod complete;
mod complete_many;
mod create;
mod list;
mod sign;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use partway_shared::error::{ErrorCode, Problem};

use crate::identity::Subject;
use crate::policy::Policy;
use crate::signing::{CredentialSource, Hosts, Presigner};
use crate::store::{Store, StoreError, StoredObject, UploadRef};
use crate::token::{TokenMint, UploadClaims};
use crate::verification::Verification;

/// Everything that the uploads of one bucket need.
pub struct Uploads {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The bucket's name.
    pub bucket: String,
    /// The bucket's region.
    pub region: String,
    /// Where browsers find the bucket.
    pub hosts: Hosts,
    /// What signs URLs.
    pub credentials: CredentialSource,
    /// What may be uploaded.
    pub policy: Policy,
    /// The largest file that is sent as a form; none where the store takes no forms.
    pub form_max: Option<u64>,
    /// How uploads are checked.
    pub verification: Verification,
    /// How long URLs are good.
    pub url_lifetime: Duration,
    /// How long tokens are good.
    pub token_lifetime: Duration,
    /// What makes and checks tokens.
    pub tokens: TokenMint,
}

impl Uploads {
    /// The object that the upload is to become, if it is there.
    async fn head(&self, claims: &UploadClaims) -> Result<Option<StoredObject>, StoreError> {
        self.store.head(&claims.key).await.inspect_err(log(claims, "looking for the object"))
    }

    /// The claims of a token that this subject may use now.
    fn claims(&self, subject: &Subject, token: &str) -> Result<UploadClaims, Problem> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.tokens.check(token, &subject.0, &self.bucket, now)
    }

    /// Signs for this bucket, now.
    async fn presigner(&self) -> Result<Presigner<'_>, Problem> {
        let credentials = self.credentials.get().await.map_err(|error| {
            tracing::error!(%error, "no credentials to sign with");
            Problem::new(
                ErrorCode::StoreDenied,
                "the server has no credentials for the store; its log says more",
            )
        })?;
        Ok(Presigner::new(&self.hosts, &self.region, &credentials, self.url_lifetime, SystemTime::now()))
    }
}

fn upload_ref(claims: &UploadClaims) -> Option<UploadRef<'_>> {
    claims.upload_id.as_deref().map(|upload_id| UploadRef { key: &claims.key, upload_id })
}

/// Logs a store's error with the upload that met it; the client is told less.
fn log<'a>(claims: &'a UploadClaims, doing: &'static str) -> impl Fn(&StoreError) + 'a {
    move |error| {
        tracing::warn!(
            upload.id = claims.upload_id,
            upload.key = claims.key,
            size_bytes = claims.size,
            %error,
            "{doing} failed"
        );
    }
}

/// What is to be said once where each of several failed for the same reason, which may pass.
fn all_failed_alike<T>(results: &[Result<T, Problem>]) -> Option<Problem> {
    let first = results.first()?.as_ref().err()?;
    let alike = results.iter().all(|result| result.as_ref().is_err_and(|problem| problem.code == first.code));
    (alike && first.code.spec().retryable).then(|| first.clone())
}
