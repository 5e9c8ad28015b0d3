//! What nobody has finished, page by page: uploads that are neither completed nor aborted, and Partway's own objects, which wait
//! to be completed or were left behind.

use std::time::SystemTime;

use async_trait::async_trait;

use super::namespace::NAMESPACE;
use super::{S3Store, StoreError};

/// Lists of what nobody has finished.
#[async_trait]
pub trait Unfinished: Send + Sync {
    /// Returns a page of the open uploads below a prefix, and where the next one begins.
    async fn uploads_page(
        &self,
        prefix: &str,
        after: Option<Marker>,
    ) -> Result<(Vec<OpenUpload>, Option<Marker>), StoreError>;

    /// Returns a page of the objects below `.partway/`, every version of each, and where the next one begins.
    async fn own_page(
        &self,
        key_prefix: &str,
        after: Option<OwnMarker>,
    ) -> Result<(Vec<OwnObject>, Option<OwnMarker>), StoreError>;

    /// Returns all open uploads below a prefix.
    async fn list_uploads(&self, prefix: &str) -> Result<Vec<OpenUpload>, StoreError> {
        let (mut all, mut next) = self.uploads_page(prefix, None).await?;
        while let Some(marker) = next {
            let (page, after) = self.uploads_page(prefix, Some(marker)).await?;
            all.extend(page);
            next = after;
        }
        Ok(all)
    }
}

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

/// An object below `.partway/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnObject {
    /// Its key.
    pub key: String,
    /// The version id, where the bucket has versions.
    pub version_id: Option<String>,
    /// When it was stored, if the store says so.
    pub modified: Option<SystemTime>,
}

/// The position of the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnMarker {
    /// A position in a listing of versions.
    Versions(Option<String>, Option<String>),
    /// A position in a listing of objects.
    Objects(String),
}

#[async_trait]
impl Unfinished for S3Store {
    async fn uploads_page(
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

    async fn own_page(
        &self,
        key_prefix: &str,
        after: Option<OwnMarker>,
    ) -> Result<(Vec<OwnObject>, Option<OwnMarker>), StoreError> {
        let prefix = format!("{key_prefix}{NAMESPACE}");
        if !matches!(after, Some(OwnMarker::Objects(_))) {
            match self.versions_page(&prefix, after.clone()).await {
                // It has no versions, or the credentials may not list them: then there is one of each.
                Err(StoreError::Denied(_) | StoreError::Misbehaved(_)) if after.is_none() => {}
                page => return page,
            }
        }
        self.objects_page(&prefix, after).await
    }
}

impl S3Store {
    async fn versions_page(
        &self,
        prefix: &str,
        after: Option<OwnMarker>,
    ) -> Result<(Vec<OwnObject>, Option<OwnMarker>), StoreError> {
        let mut request = self.client.list_object_versions().bucket(&self.bucket).prefix(prefix);
        if let Some(OwnMarker::Versions(key, version_id)) = after.clone() {
            request = request.set_key_marker(key).set_version_id_marker(version_id);
        }
        let page = request.send().await?;
        let named = |version_id: Option<String>| version_id.filter(|id| id != "null");
        let time = |at: Option<aws_sdk_s3::primitives::DateTime>| at.and_then(|at| at.try_into().ok());
        let versions = page.versions.unwrap_or_default().into_iter().filter_map(|version| {
            let (version_id, modified) = (named(version.version_id), time(version.last_modified));
            Some(OwnObject { key: version.key?, version_id, modified })
        });
        // What was deleted leaves these behind, which only their own deletion removes.
        let markers = page.delete_markers.unwrap_or_default().into_iter().filter_map(|marker| {
            let (version_id, modified) = (named(marker.version_id), time(marker.last_modified));
            Some(OwnObject { key: marker.key?, version_id: Some(version_id?), modified })
        });
        let objects = versions.chain(markers).collect();
        let next = OwnMarker::Versions(page.next_key_marker.clone(), page.next_version_id_marker);
        // A store that says there is more, and not where, would be asked for the same page for ever.
        let is_new = page.next_key_marker.is_some() && after.is_none_or(|after| after != next);
        Ok((objects, (page.is_truncated == Some(true) && is_new).then_some(next)))
    }

    async fn objects_page(
        &self,
        prefix: &str,
        after: Option<OwnMarker>,
    ) -> Result<(Vec<OwnObject>, Option<OwnMarker>), StoreError> {
        let mut request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        if let Some(OwnMarker::Objects(token)) = &after {
            request = request.continuation_token(token);
        }
        let page = request.send().await?;
        let objects = page.contents.unwrap_or_default().into_iter().filter_map(|object| {
            let modified = object.last_modified.and_then(|at| SystemTime::try_from(at).ok());
            Some(OwnObject { key: object.key?, version_id: None, modified })
        });
        let next = page.next_continuation_token.map(OwnMarker::Objects);
        let is_new = next.is_some() && after != next;
        let next = if page.is_truncated == Some(true) && is_new { next } else { None };
        Ok((objects.collect(), next))
    }
}
