//! Probes whether objects have the tags that their uploads were given.

use bytes::Bytes;
use partway_shared::checksum::{ChecksumKind, Md5};
use partway_shared::part::PartNumber;
use partway_shared::wire::CompletedPart;

use super::checksums::Attempt;
use super::copies::copy_with;
use super::{BODY, Rule, Trial, abort, key, remove};
use crate::attributes::Attributes;
use crate::store::{BucketStore, CompleteParams, CopySource, NewObject, StoreError, UploadRef};

const LOST: &str = "objects have no tags afterwards";

/// Probes the tags of a PUT.
///
/// # Errors
/// When the store is away.
pub async fn put_tags(store: &dyn BucketStore, prefix: &str) -> Result<Rule, StoreError> {
    let key = key(prefix);
    let tried = async {
        let tagging = tags().tagging();
        let checksum = Some(Md5::of(BODY).into());
        let put =
            store.put_trial(&key, Trial { checksum, tagging: tagging.as_deref(), ..Trial::of(BODY) }).await;
        match Attempt(put).taken()? {
            Ok(_) => are_kept(store, &key).await,
            Err(why) => Ok(Rule::Unsupported(why)),
        }
    };
    let tried = tried.await;
    remove(store, &key).await;
    tried
}

/// Probes the tags of a multipart upload.
///
/// # Errors
/// When the store is away.
pub async fn upload_tags(store: &dyn BucketStore, prefix: &str) -> Result<Rule, StoreError> {
    let key = key(prefix);
    let object = NewObject {
        key: &key,
        content_type: "text/plain",
        content_disposition: None,
        checksum: ChecksumKind::None,
        attributes: &tags(),
    };
    let upload_id = match Attempt(store.create_upload(object).await).taken()? {
        Ok(upload_id) => upload_id,
        Err(why) => return Ok(Rule::Unsupported(why)),
    };
    let upload = UploadRef { key: &key, upload_id: &upload_id };
    let completed = async {
        let etag = store.put_trial_part(upload, 1, Bytes::from_static(BODY), Md5::of(BODY).into()).await?;
        let parts = [CompletedPart { part_number: PartNumber::FIRST, etag }];
        let size = BODY.len() as u64;
        store
            .complete_upload(
                upload,
                CompleteParams { parts: &parts, size, checksum: None, keeps_existing: false },
            )
            .await
    };
    let completed = completed.await;
    if completed.is_err() {
        abort(store, upload).await;
    }
    let tried = match completed {
        Ok(()) => are_kept(store, &key).await,
        Err(error) => Err(error),
    };
    remove(store, &key).await;
    tried
}

/// Probes the tags of copies, both those that an object has and those that its copy is given. Where objects have none, copies lose
/// none.
///
/// # Errors
/// When the store is away.
pub async fn copied_tags(store: &dyn BucketStore, prefix: &str) -> Result<Rule, StoreError> {
    let (from, kept, given) = (key(prefix), key(prefix), key(prefix));
    let tried = async {
        let tagging = tags().tagging();
        let checksum = Some(Md5::of(BODY).into());
        let put =
            store.put_trial(&from, Trial { checksum, tagging: tagging.as_deref(), ..Trial::of(BODY) }).await;
        if Attempt(put).taken()?.is_err() || are_kept(store, &from).await? != Rule::Kept {
            return Ok(Rule::Kept);
        }
        let Some(object) = store.head(&from).await? else { return Ok(Rule::Broken(LOST)) };
        let source = CopySource::own(&from, &object);
        let keeping = CopySource { keeps_tags: true, ..source };
        let copies = [
            copy_with(store, keeping, &kept, &Attributes::default()).await,
            copy_with(store, source, &given, &tags()).await,
        ];
        for copied in copies {
            if let Err(why) = Attempt(copied).taken()? {
                return Ok(Rule::Unsupported(why));
            }
        }
        let found = are_kept(store, &kept).await?;
        if found == Rule::Kept { are_kept(store, &given).await } else { Ok(found) }
    };
    let tried = tried.await;
    tokio::join!(remove(store, &from), remove(store, &kept), remove(store, &given));
    tried
}

fn tags() -> Attributes {
    Attributes { tags: [("partway".to_owned(), "probe".to_owned())].into(), ..Attributes::default() }
}

async fn are_kept(store: &dyn BucketStore, key: &str) -> Result<Rule, StoreError> {
    match store.tags(key, None).await {
        Ok(tags) if tags.get("partway").is_some_and(|value| value == "probe") => Ok(Rule::Kept),
        // One that knows no tags refuses the question.
        Ok(_) | Err(StoreError::Misbehaved(_)) => Ok(Rule::Broken(LOST)),
        Err(error) => Err(error),
    }
}
