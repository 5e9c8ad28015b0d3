//! Probes whether `If-None-Match: *` keeps an object from being overwritten.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use partway_shared::checksum::{ChecksumKind, Md5};
use partway_shared::part::PartNumber;
use partway_shared::wire::CompletedPart;
use tokio::sync::oneshot;

use super::checksums::Attempt;
use super::{BODY, OTHER_BODY, PresignedClient, Rule, Trial, abort, begin, key, remove};
use crate::attributes::Attributes;
use crate::http_client::HttpAnswer;
use crate::signing::PutTerms;
use crate::store::{BucketStore, CompleteParams, Optional, StoreError, UploadRef};

/// How long a PUT may take while another PUT to the same key is under way.
const IN_BETWEEN: Duration = Duration::from_secs(5);

pub(super) const OVERWRITTEN: &str = "the object is overwritten";

/// Probes the condition on a PUT.
///
/// # Errors
/// When the store is away.
pub async fn put_if_none_match(store: &dyn BucketStore, prefix: &str) -> Result<Rule, StoreError> {
    let key = key(prefix);
    let tried = async {
        if let Err(why) = Attempt(put(store, &key, BODY).await).taken()? {
            return Ok(Rule::Unsupported(why));
        }
        refused(put(store, &key, OTHER_BODY).await)
    };
    let tried = tried.await;
    remove(store, &key).await;
    tried
}

/// Probes the condition on a PUT that begins before an object is there, and ends after it: the condition has to hold
/// at the end.
///
/// # Errors
/// When the store is away.
pub async fn late_put_if_none_match(client: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let key = key(client.prefix);
    let attributes = Attributes { keeps_existing: true, ..Attributes::default() };
    let signed = |body: &[u8]| {
        let terms = PutTerms {
            content_length: body.len() as u64,
            attributes: attributes.clone(),
            ..PutTerms::default()
        };
        client.presigner().put(&key, &terms)
    };
    let ((late_url, headers), (url, _)) = (signed(OTHER_BODY), signed(BODY));
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let halves = OTHER_BODY.split_at(OTHER_BODY.len() / 2);
    let (begun, is_begun) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel();
    let tried = tokio::join!(
        client.http.put_in_halves(&late_url, headers.iter().copied(), halves, begun, may_go_on),
        async {
            let _ = is_begun.await;
            let sent = client.http.send(Method::PUT, &url, headers.iter().copied(), BODY);
            // A store that waits for the other one to end lets none in between.
            let sent = tokio::time::timeout(IN_BETWEEN, sent).await;
            drop(go_on);
            sent
        },
    );
    remove(client.store, &key).await;
    let (late, sent) = tried;
    let late = late?;
    match sent {
        Ok(reply) if !reply.as_ref().is_ok_and(HttpAnswer::is_success) => {
            Ok(Rule::Unsupported(reply?.said()))
        }
        Ok(_) if late.is_success() => Ok(Rule::Broken("one that ends later replaces the object")),
        _ => Ok(Rule::Kept),
    }
}

/// Probes the condition on the completion of a multipart upload.
///
/// # Errors
/// When the store is away.
pub async fn complete_if_none_match(store: &dyn BucketStore, prefix: &str) -> Result<Rule, StoreError> {
    let key = key(prefix);
    let tried = async {
        if let Err(why) = Attempt(complete(store, &key).await).taken()? {
            return Ok(Rule::Unsupported(why));
        }
        if let Some(words) = store.refuses(Optional::CompleteIfNoneMatch) {
            return Ok(Rule::Unsupported(words.to_owned()));
        }
        refused(complete(store, &key).await)
    };
    let tried = tried.await;
    remove(store, &key).await;
    tried
}

/// Interprets the second of two equal requests, when the object exists.
pub(super) fn refused<T>(second: Result<T, StoreError>) -> Result<Rule, StoreError> {
    match second {
        Ok(_) => Ok(Rule::Broken(OVERWRITTEN)),
        Err(error @ StoreError::Unavailable { .. }) => Err(error),
        Err(_) => Ok(Rule::Kept),
    }
}

async fn put(store: &dyn BucketStore, key: &str, body: &'static [u8]) -> Result<(), StoreError> {
    store.put_trial(key, Trial { keeps_existing: true, ..Trial::of(body) }).await
}

async fn complete(store: &dyn BucketStore, key: &str) -> Result<(), StoreError> {
    let upload_id = begin(store, key, ChecksumKind::None).await?;
    let upload = UploadRef { key, upload_id: &upload_id };
    let completed = async {
        let etag = store.put_trial_part(upload, 1, Bytes::from_static(BODY), Md5::of(BODY).into()).await?;
        let parts = [CompletedPart { part_number: PartNumber::FIRST, etag }];
        let size = BODY.len() as u64;
        let params = CompleteParams { parts: &parts, size, checksum: None, keeps_existing: true };
        store.complete_upload(upload, params).await
    };
    let completed = completed.await;
    if completed.is_err() {
        abort(store, upload).await;
    }
    completed
}
