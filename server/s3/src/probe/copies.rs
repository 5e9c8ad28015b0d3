//! Probes copies within the bucket, by which the server moves a file to its key.

use partway_shared::checksum::ChecksumKind;
use partway_shared::part::ETag;

use super::checksums::Attempt;
use super::conditions::refused;
use super::{Rule, key, put_with_any_checksum, remove};
use crate::attributes::Attributes;
use crate::store::{BucketStore, CopySource, NewObject, Optional, StoreError, StoredObject, UnsignedHeaders};

/// Probes whether an object is copied if its ETag is the given one, and not if it has changed since.
///
/// # Errors
/// When the store is away.
pub async fn copy(store: &dyn BucketStore, prefix: &str) -> Result<Rule, StoreError> {
    let (from, to) = (key(prefix), key(prefix));
    let tried = async {
        let source = put(store, &from).await?;
        if let Err(why) = Attempt(copy_to(store, &from, &source, &to, false).await).taken()? {
            return Ok(Rule::Unsupported(why));
        }
        if store.head(&to).await?.is_none_or(|copied| copied.size != source.size) {
            return Ok(Rule::Broken("a copy is not there afterwards"));
        }
        let changed = StoredObject { etag: ETag::new("0123456789abcdef0123456789abcdef"), ..source };
        match copy_to(store, &from, &changed, &to, false).await {
            Ok(_) => Ok(Rule::Broken("what has changed since it was looked at is copied")),
            Err(error @ StoreError::Unavailable { .. }) => Err(error),
            Err(_) => Ok(Rule::Kept),
        }
    };
    let tried = tried.await;
    tokio::join!(remove(store, &from), remove(store, &to));
    tried
}

/// Probes whether `If-None-Match: *` keeps a copy from replacing an object.
///
/// # Errors
/// When the store is away.
pub async fn copy_if_none_match(store: &dyn BucketStore, prefix: &str) -> Result<Rule, StoreError> {
    let (from, to) = (key(prefix), key(prefix));
    let tried = async {
        let source = put(store, &from).await?;
        if let Err(why) = Attempt(copy_to(store, &from, &source, &to, true).await).taken()? {
            return Ok(Rule::Unsupported(why));
        }
        if let Some(words) = store.refuses(Optional::CopyIfNoneMatch) {
            return Ok(Rule::Unsupported(words.to_owned()));
        }
        refused(copy_to(store, &from, &source, &to, true).await)
    };
    let tried = tried.await;
    tokio::join!(remove(store, &from), remove(store, &to));
    tried
}

/// Probes whether an object that was given no headers has none: else the headers that a client added could not be
/// told from the store's own.
///
/// # Errors
/// When the store is away.
pub async fn bare_headers(store: &dyn BucketStore, prefix: &str) -> Result<Rule, StoreError> {
    let key = key(prefix);
    let object = put(store, &key).await;
    remove(store, &key).await;
    Ok(match object?.headers.difference(&UnsignedHeaders::default()) {
        None => Rule::Kept,
        Some("Cache-Control") => Rule::Broken("it says a Cache-Control that nobody gave"),
        Some("Expires") => Rule::Broken("it says an Expires that nobody gave"),
        Some(_) => Rule::Broken("it says headers that nobody gave"),
    })
}

async fn put(store: &dyn BucketStore, key: &str) -> Result<StoredObject, StoreError> {
    put_with_any_checksum(store, key).await?;
    let object = store.head(key).await?;
    object.ok_or_else(|| StoreError::Misbehaved("an object that was put is not there".to_owned()))
}

async fn copy_to(
    store: &dyn BucketStore,
    from: &str,
    source: &StoredObject,
    to: &str,
    keeps_existing: bool,
) -> Result<StoredObject, StoreError> {
    let attributes = Attributes { keeps_existing, ..Attributes::default() };
    copy_with(store, CopySource::own(from, source), to, &attributes).await
}

/// Copies an object that is then as the attributes have it.
pub(super) async fn copy_with(
    store: &dyn BucketStore,
    source: CopySource<'_>,
    to: &str,
    attributes: &Attributes,
) -> Result<StoredObject, StoreError> {
    let target = NewObject {
        key: to,
        content_type: "text/plain",
        content_disposition: None,
        checksum: ChecksumKind::None,
        attributes,
    };
    store.copy(source, target).await
}
