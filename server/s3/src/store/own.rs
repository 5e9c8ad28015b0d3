//! Lists Partway's own objects in a bucket, page by page: files that wait to be completed, and what was left behind.

use std::time::SystemTime;

use super::namespace::NAMESPACE;
use super::{S3Store, Store, StoreError};

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

impl S3Store {
    /// Returns a page of the objects below `.partway/`, with every version of each, and the position of the next
    /// page.
    ///
    /// # Errors
    /// When the store fails, or refuses.
    pub async fn own_page(
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

    /// Removes one of these objects.
    ///
    /// # Errors
    /// When the store fails, or refuses.
    pub async fn delete_own(&self, object: &OwnObject) -> Result<(), StoreError> {
        self.delete(&object.key, object.version_id.as_deref()).await
    }
}
