//! Probes whether objects have the tags that their uploads were given.

use aws_sdk_s3::primitives::ByteStream;
use partway_shared::checksum::{Checksum, ChecksumKind, Md5};
use partway_shared::part::PartNumber;
use partway_shared::wire::CompletedPart;

use super::checksums::Attempt;
use super::{BODY, Rule, abort, key, remove};
use crate::attributes::Attributes;
use crate::store::{CompleteParams, NewObject, S3Store, Store, StoreError, UploadRef};

const LOST: &str = "objects have no tags afterwards";

/// Probes the tags of a PUT.
///
/// # Errors
/// When the store is away.
pub async fn put_tags(store: &S3Store, prefix: &str) -> Result<Rule, StoreError> {
    let key = key(prefix);
    let tried = async {
        let request = store.client.put_object().bucket(&store.bucket).key(&key).set_tagging(tags().tagging());
        let request = request.content_md5(String::from(Checksum::from(Md5::of(BODY))));
        let put = request.body(ByteStream::from_static(BODY)).send().await;
        match Attempt(put.map_err(StoreError::from)).taken()? {
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
pub async fn upload_tags(store: &S3Store, prefix: &str) -> Result<Rule, StoreError> {
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
        let etag = store.probe_part(upload, 1, Md5::of(BODY).into()).await?;
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

fn tags() -> Attributes {
    Attributes { tags: [("partway".to_owned(), "probe".to_owned())].into(), ..Attributes::default() }
}

async fn are_kept(store: &S3Store, key: &str) -> Result<Rule, StoreError> {
    let asked = store.client.get_object_tagging().bucket(&store.bucket).key(key).send().await;
    let asked = match asked {
        // Ceph's gateway answers without a word if there are none.
        Err(error) if error.raw_response().is_some_and(|answer| answer.status().is_success()) => {
            return Ok(Rule::Broken(LOST));
        }
        asked => asked.map_err(StoreError::from),
    };
    match asked {
        Ok(got) if got.tag_set.iter().any(|tag| tag.key() == "partway" && tag.value() == "probe") => {
            Ok(Rule::Kept)
        }
        // One that knows no tags refuses the question.
        Ok(_) | Err(StoreError::Misbehaved(_)) => Ok(Rule::Broken(LOST)),
        Err(error) => Err(error),
    }
}
