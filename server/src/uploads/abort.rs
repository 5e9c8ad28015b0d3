//! Aborting: what was stored is removed.

use partway_shared::error::{ErrorCode, Problem};

use crate::identity::Subject;
use crate::metrics::UploadOutcome;
use crate::store::StoreError;

use super::{Uploads, log, upload_ref};

impl Uploads {
    /// Aborts an upload and removes its parts. Doing it twice is doing it once.
    ///
    /// A single PUT cannot be told from its completion, so its object is removed either way;
    /// whoever holds the token made it.
    ///
    /// # Errors
    /// When the token is not good, or the upload is complete.
    pub async fn abort(&self, subject: &Subject, token: &str) -> Result<(), Problem> {
        let claims = self.claims(subject, token)?;
        let Some(upload) = upload_ref(&claims) else {
            self.store.delete(&claims.key).await.inspect_err(log(&claims, "removing an object"))?;
            tracing::info!(upload.key = claims.key, "upload aborted");
            self.metrics.upload(UploadOutcome::aborted);
            return Ok(());
        };
        match self.store.abort_upload(upload).await {
            Ok(()) => {}
            Err(StoreError::NoSuchUpload) => {
                if self.head(&claims).await?.is_some() {
                    return Err(Problem::new(ErrorCode::AlreadyCompleted, "delete the object instead"));
                }
            }
            Err(error) => {
                log(&claims, "aborting an upload")(&error);
                return Err(error.into());
            }
        }
        tracing::info!(upload.id = upload.upload_id, upload.key = claims.key, "upload aborted");
        self.metrics.upload(UploadOutcome::aborted);
        Ok(())
    }
}
