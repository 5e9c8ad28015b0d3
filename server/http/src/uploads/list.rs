//! Lists what the store has of an upload, for a client that resumes it.

use partway_s3::store::StoreError;
use partway_shared::error::Problem;
use partway_shared::wire::{CompletedUpload, ListedParts};

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::token::UploadClaims;

use super::finish::Unfinished;
use super::single::{check_headers, staged_part};
use super::{Uploads, head, log, upload_ref};

impl Uploads {
    /// Returns what the store has of an upload: parts, or the object that it has become.
    ///
    /// # Errors
    /// When the token is not valid, or the store has neither upload nor object.
    pub async fn list(&self, caller: &Caller, token: &str) -> Result<ListedParts, Problem> {
        let (claims, destination) = self.claims(caller, token)?;
        let Some(upload) = upload_ref(&claims) else {
            let completed = self.find_object(caller, destination, &claims).await?;
            // Sent as a whole, it is there as a whole or not at all.
            let part = if claims.staged && completed.is_none() {
                staged_part(destination, &claims).await?
            } else {
                None
            };
            return Ok(ListedParts { parts: part.into_iter().collect(), completed });
        };
        match destination.store.list_parts(upload).await {
            Ok(parts) => Ok(ListedParts { parts, completed: None }),
            // A client that resumes must learn whether the upload is lost or done.
            Err(StoreError::NoSuchUpload) => match self.find_object(caller, destination, &claims).await? {
                Some(object) => Ok(ListedParts { parts: Vec::new(), completed: Some(object) }),
                None => Err(StoreError::NoSuchUpload.into()),
            },
            Err(error) => {
                log(&claims, "listing parts")(&error);
                Err(error.into())
            }
        }
    }

    /// Returns the object if it exists with the size of the file and is finished.
    async fn find_object(
        &self,
        caller: &Caller,
        destination: &Destination,
        claims: &UploadClaims,
    ) -> Result<Option<CompletedUpload>, Problem> {
        let is_whole = |size: u64| claims.size.is_none_or(|expected| expected == size);
        let found = head(destination, claims).await?.filter(|object| is_whole(object.size));
        let Some(object) = found else { return Ok(None) };
        let claims = &claims.ended(object.size);
        let unfinished = if claims.upload_id.is_none() && !claims.staged {
            check_headers(destination, claims, &object).await?;
            // Nothing has to be done for what is sent to its own key, unless the settings have changed since.
            Some(Unfinished::default())
        } else {
            self.unfinished(destination, claims).await?
        };
        self.finish(caller, destination, claims, object, unfinished).await.map(Some)
    }
}
