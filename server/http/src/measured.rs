//! A store that measures its calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use partway_s3::attributes::Attributes;
use partway_s3::store::{
    BucketStore, CompleteParams, CopySource, KeyVersion, ListParams, ListedPage, Looked, NewObject, Objects,
    Store, StoreError, StoredObject, UploadRef,
};
use partway_shared::part::ETag;
use partway_shared::wire::StoredPart;

use crate::metrics::DestinationMetrics;

/// A store that measures the calls to another.
pub(crate) struct Measured {
    store: Arc<dyn BucketStore>,
    metrics: DestinationMetrics,
    observe: Option<Observe>,
}

type Observe = Box<dyn Fn(&StoreError) + Send + Sync>;

impl Measured {
    /// Wraps a store.
    #[must_use]
    pub(crate) fn new(store: Arc<dyn BucketStore>, metrics: DestinationMetrics) -> Self {
        Self { store, metrics, observe: None }
    }

    /// Has this hear each error.
    #[must_use]
    pub(crate) fn observed_by(self, observe: impl Fn(&StoreError) + Send + Sync + 'static) -> Self {
        Self { observe: Some(Box::new(observe)), ..self }
    }

    async fn time<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let result = call.await;
        if let (Some(observe), Err(error)) = (&self.observe, &result) {
            observe(error);
        }
        self.metrics.call(
            operation,
            result.as_ref().map_or_else(StoreError::kind, |_| "ok"),
            begun.elapsed(),
        );
        result
    }
}

#[async_trait]
impl Store for Measured {
    async fn create_upload(&self, object: NewObject<'_>) -> Result<String, StoreError> {
        self.time("create_upload", self.store.create_upload(object)).await
    }

    async fn list_parts(&self, upload: UploadRef<'_>) -> Result<Vec<StoredPart>, StoreError> {
        self.time("list_parts", self.store.list_parts(upload)).await
    }

    async fn complete_upload(
        &self,
        upload: UploadRef<'_>,
        params: CompleteParams<'_>,
    ) -> Result<(), StoreError> {
        self.time("complete_upload", self.store.complete_upload(upload, params)).await
    }

    async fn abort_upload(&self, upload: UploadRef<'_>) -> Result<(), StoreError> {
        self.time("abort_upload", self.store.abort_upload(upload)).await
    }

    async fn head(&self, key: &str) -> Result<Option<StoredObject>, StoreError> {
        self.time("head", self.store.head(key)).await
    }

    async fn first_bytes(
        &self,
        key: &str,
        version_id: Option<&str>,
        etag: &ETag,
        count: u64,
    ) -> Result<Bytes, StoreError> {
        self.time("first_bytes", self.store.first_bytes(key, version_id, etag, count)).await
    }

    async fn copy(&self, source: CopySource<'_>, to: NewObject<'_>) -> Result<StoredObject, StoreError> {
        self.time("copy", self.store.copy(source, to)).await
    }

    async fn put_empty(&self, key: &str, attributes: &Attributes) -> Result<Option<String>, StoreError> {
        self.time("put_empty", self.store.put_empty(key, attributes)).await
    }

    async fn delete(&self, key: &str, version_id: Option<&str>) -> Result<(), StoreError> {
        self.time("delete", self.store.delete(key, version_id)).await
    }
}

#[async_trait]
impl Objects for Measured {
    async fn look(&self, key: &str, version_id: Option<&str>) -> Result<Option<Looked>, StoreError> {
        self.time("look", self.store.look(key, version_id)).await
    }

    async fn tags(
        &self,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        self.time("tags", self.store.tags(key, version_id)).await
    }

    async fn list(&self, params: ListParams<'_>) -> Result<ListedPage, StoreError> {
        self.time("list", self.store.list(params)).await
    }

    async fn delete_many(&self, objects: &[KeyVersion]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.time("delete_many", self.store.delete_many(objects)).await
    }

    async fn delete_if(&self, object: &KeyVersion, etag: &ETag) -> Result<(), StoreError> {
        self.time("delete_if", self.store.delete_if(object, etag)).await
    }
}
