//! Aborts uploads: removes what is stored of them. Completed ones stay.

use partway_s3::store::{StoreError, UploadRef};
use partway_shared::error::{ErrorCode, Problem};

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::metrics::UploadOutcome;
use crate::token::UploadClaims;

use super::single::{remove_staged, unsigned_header};
use super::{Uploads, head, log, upload_ref};

impl Uploads {
    /// Aborts an upload, and removes what is stored of it. Succeeds again when repeated.
    ///
    /// # Errors
    /// When the token is not valid, or the upload is completed.
    pub async fn abort(&self, caller: &Caller, token: &str) -> Result<(), Problem> {
        let (claims, destination) = self.claims(caller, token)?;
        match upload_ref(&claims) {
            Some(upload) => abort_parts(destination, &claims, upload).await?,
            // First what a completion needs, then the look: one that was quicker is seen.
            None if claims.staged => remove_staged(destination, &claims, None).await,
            None => {}
        }
        if let Some(object) = head(destination, &claims).await? {
            let is_direct = !claims.staged && claims.upload_id.is_none();
            let is_right =
                object.size == claims.bytes() && unsigned_header(destination, &claims, &object).is_none();
            if !is_direct || is_right {
                return Err(Problem::new(
                    ErrorCode::AlreadyCompleted,
                    "the upload is complete; delete the object instead",
                ));
            }
            // It never was the file.
            let removed = destination.store.delete(&claims.key, object.version_id.as_deref()).await;
            removed.inspect_err(log(&claims, "removing an object"))?;
        }
        self.release(caller, &claims).await;
        tracing::info!(upload.id = claims.upload_id, upload.key = claims.key, "upload aborted");
        destination.metrics.upload(UploadOutcome::aborted);
        Ok(())
    }
}

async fn abort_parts(
    destination: &Destination,
    claims: &UploadClaims,
    upload: UploadRef<'_>,
) -> Result<(), StoreError> {
    match destination.store.abort_upload(upload).await {
        // Gone: aborted before, or complete.
        Ok(()) | Err(StoreError::NoSuchUpload) => Ok(()),
        Err(error) => {
            log(claims, "aborting an upload")(&error);
            Err(error)
        }
    }
}
