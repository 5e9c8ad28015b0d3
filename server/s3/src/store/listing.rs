//! Lists multipart uploads that are neither completed nor aborted, page by page.

use std::time::SystemTime;

use super::{S3Store, StoreError};

/// A multipart upload that is under way, of any program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUpload {
    /// The object's key.
    pub key: String,
    /// The store's id of the upload.
    pub upload_id: String,
    /// When it was created, if the store says so.
    pub initiated: Option<SystemTime>,
}

/// The position of the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    key: Option<String>,
    upload_id: Option<String>,
}

impl S3Store {
    /// Returns a page of the open uploads below a prefix, and the position of the next page.
    ///
    /// # Errors
    /// When the store fails, or refuses.
    pub async fn uploads_page(
        &self,
        prefix: &str,
        after: Option<Marker>,
    ) -> Result<(Vec<OpenUpload>, Option<Marker>), StoreError> {
        let mut request = self.client.list_multipart_uploads().bucket(&self.bucket);
        if !prefix.is_empty() {
            request = request.prefix(prefix);
        }
        if let Some(Marker { key, upload_id }) = after.clone() {
            request = request.set_key_marker(key).set_upload_id_marker(upload_id);
        }
        let page = request.send().await?;
        let uploads = page.uploads.unwrap_or_default().into_iter().filter_map(|upload| {
            let initiated = upload.initiated.and_then(|at| SystemTime::try_from(at).ok());
            Some(OpenUpload { key: upload.key?, upload_id: upload.upload_id?, initiated })
        });
        let next = Marker { key: page.next_key_marker, upload_id: page.next_upload_id_marker };
        // A store that says there is more, and not where, would be asked for the same page for ever.
        let is_new = next.key.is_some() && after.is_none_or(|after| after != next);
        Ok((uploads.collect(), (page.is_truncated == Some(true) && is_new).then_some(next)))
    }

    /// Returns all open uploads below a prefix.
    ///
    /// # Errors
    /// When the store fails, or refuses.
    pub async fn list_uploads(&self, prefix: &str) -> Result<Vec<OpenUpload>, StoreError> {
        let (mut all, mut next) = self.uploads_page(prefix, None).await?;
        while let Some(marker) = next {
            let (page, after) = self.uploads_page(prefix, Some(marker)).await?;
            all.extend(page);
            next = after;
        }
        Ok(all)
    }
}
