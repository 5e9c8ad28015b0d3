//! The operations on uploads, behind the routes: create, sign, complete, abort. A copy is an upload whose bytes the store has
//! already.
//!
//! They know neither HTTP nor the SDK. The state of an upload is in its token and in the store.

mod abort;
mod complete;
mod copy;
mod create;
mod finish;
mod identity;
mod list;
mod proposal;
mod sign;
mod single;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use partway_s3::attributes::Attributes;
use partway_s3::store::{NewObject, StoreError, StoredObject, UploadRef};
use partway_shared::error::Problem;

use crate::caller::Caller;
use crate::destinations::{Destination, Destinations};
use crate::hooks::{CopiedObject, Hooks};
use crate::quotas::Quotas;
use crate::token::{SourceClaims, TokenMint, UploadClaims};

/// The operations, and what they need.
pub struct Uploads {
    /// The destinations.
    pub destinations: Arc<Destinations>,
    /// The mint of upload tokens.
    pub tokens: TokenMint,
    /// The application's hooks.
    pub hooks: Arc<dyn Hooks>,
    /// The quotas of subjects.
    pub quotas: Arc<Quotas>,
}

impl Uploads {
    /// Returns an opaque name of the caller, which is the same for the same subject.
    #[must_use]
    pub fn owner(&self, caller: &Caller) -> String {
        identity::owner(&self.tokens, caller)
    }

    /// Returns the claims of a token that this caller may use now, and the upload's destination.
    fn claims(&self, caller: &Caller, token: &str) -> Result<(UploadClaims, &Destination), Problem> {
        let claims = self.tokens.check(token, caller.subject.as_str(), now())?;
        let destination = self.destinations.of_token(&claims, caller)?;
        Ok((claims, destination))
    }

    /// Releases the place of an upload that has ended. A failure is logged, and does not fail the request.
    async fn release(&self, caller: &Caller, claims: &UploadClaims) {
        if let Err(problem) = self.quotas.close(&caller.subject, &identity::quota_id(claims)).await {
            tracing::warn!(upload.key = claims.key, %problem, "an upload that has ended still counts as open");
        }
    }
}

/// Returns the upload's object, if it exists.
async fn head(destination: &Destination, claims: &UploadClaims) -> Result<Option<StoredObject>, StoreError> {
    let object = destination.store.head(&claims.key).await;
    let object = object.inspect_err(log(claims, "looking for the object"))?;
    Ok(object.filter(|object| is_own(claims, object)))
}

/// Returns whether an object under the upload's key belongs to this upload: another upload may have the same key.
fn is_own(claims: &UploadClaims, object: &StoredObject) -> bool {
    !claims.shared || object.mark.as_deref() == Some(claims.id.to_string().as_str())
}

/// Returns the time in seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn upload_ref(claims: &UploadClaims) -> Option<UploadRef<'_>> {
    claims.upload_id.as_deref().map(|upload_id| UploadRef { key: &claims.key, upload_id })
}

/// Returns a function that logs a store's error with the upload; the client is told less.
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

/// Returns what applications are told of the object of a copy.
fn copied_object(claims: &UploadClaims) -> Option<CopiedObject> {
    let SourceClaims { destination, key, version_id, .. } = claims.source.clone()?;
    Some(CopiedObject { destination, key, version_id })
}

/// Returns the object that the upload is to become.
fn new_object<'a>(claims: &'a UploadClaims, attributes: &'a Attributes) -> NewObject<'a> {
    NewObject {
        key: &claims.key,
        content_type: &claims.content_type,
        content_disposition: claims.content_disposition.as_deref(),
        checksum: claims.checksum,
        attributes,
    }
}
