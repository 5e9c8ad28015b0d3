//! Aborting: what was stored is removed.

use partway_shared::error::{ErrorCode, Problem};

use crate::identity::Caller;
use crate::metrics::UploadOutcome;
use crate::store::StoreError;

use super::{Uploads, head, log, upload_ref};

impl Uploads {
    /// Aborts an upload and removes its parts. Doing it twice is doing it once.
    ///
    /// A single PUT cannot be told from its completion, so its object is removed either way;
    /// whoever holds the token made it.
    ///
    /// # Errors
    /// When the token is not good, or the upload is complete.
    pub async fn abort(&self, caller: &Caller, token: &str) -> Result<(), Problem> {
        let (claims, destination) = self.claims(caller, token)?;
        let store = &destination.store;
        let Some(upload) = upload_ref(&claims) else {
            // Under a key that can be taken twice, what is there may be somebody else's.
            if !claims.shared || head(destination, &claims).await?.is_some() {
                store.delete(&claims.key).await.inspect_err(log(&claims, "removing an object"))?;
            }
            self.release(caller, &claims).await;
            tracing::info!(upload.key = claims.key, "upload aborted");
            destination.metrics.upload(UploadOutcome::aborted);
            return Ok(());
        };
        match store.abort_upload(upload).await {
            Ok(()) => {}
            Err(StoreError::NoSuchUpload) => {
                if head(destination, &claims).await?.is_some() {
                    return Err(Problem::new(ErrorCode::AlreadyCompleted, "delete the object instead"));
                }
            }
            Err(error) => {
                log(&claims, "aborting an upload")(&error);
                return Err(error.into());
            }
        }
        self.release(caller, &claims).await;
        tracing::info!(upload.id = upload.upload_id, upload.key = claims.key, "upload aborted");
        destination.metrics.upload(UploadOutcome::aborted);
        Ok(())
    }
}
