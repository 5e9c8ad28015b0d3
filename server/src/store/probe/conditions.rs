//! Whether `If-None-Match: *` keeps an object from being overwritten.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use partway_shared::checksum::ChecksumKind;

use super::checksums::Attempt;
use super::{BODY, OTHER_BODY, Rule, abort, begin, key, remove};
use crate::store::{S3Store, StoreError, UploadRef};

const OVERWRITTEN: &str = "the object is overwritten";

/// With a PUT.
///
/// # Errors
/// When nothing was found out.
pub async fn put_if_none_match(store: &S3Store, prefix: &str) -> Result<Rule, StoreError> {
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

/// With the completion of a multipart upload.
///
/// # Errors
/// When nothing was found out.
pub async fn complete_if_none_match(store: &S3Store, prefix: &str) -> Result<Rule, StoreError> {
    let key = key(prefix);
    let tried = async {
        if let Err(why) = Attempt(complete(store, &key).await).taken()? {
            return Ok(Rule::Unsupported(why));
        }
        refused(complete(store, &key).await)
    };
    let tried = tried.await;
    remove(store, &key).await;
    tried
}

/// The second time, when the object is there.
fn refused(second: Result<(), StoreError>) -> Result<Rule, StoreError> {
    match second {
        Ok(()) => Ok(Rule::Broken(OVERWRITTEN)),
        Err(error @ StoreError::Unavailable(_)) => Err(error),
        Err(_) => Ok(Rule::Kept),
    }
}

async fn put(store: &S3Store, key: &str, body: &'static [u8]) -> Result<(), StoreError> {
    let request = store.client.put_object().bucket(&store.bucket).key(key).if_none_match("*");
    request.body(ByteStream::from_static(body)).send().await?;
    Ok(())
}

async fn complete(store: &S3Store, key: &str) -> Result<(), StoreError> {
    let upload_id = begin(store, key, ChecksumKind::None).await?;
    let upload = UploadRef { key, upload_id: &upload_id };
    let completed = async {
        let part =
            store.client.upload_part().bucket(&store.bucket).key(key).upload_id(&upload_id).part_number(1);
        let part = part.body(ByteStream::from_static(BODY)).send().await?;
        let part = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag).build();
        let parts = CompletedMultipartUpload::builder().parts(part).build();
        let request =
            store.client.complete_multipart_upload().bucket(&store.bucket).key(key).upload_id(&upload_id);
        request.multipart_upload(parts).if_none_match("*").send().await?;
        Ok(())
    };
    let completed = completed.await;
    if completed.is_err() {
        abort(store, upload).await;
    }
    completed
}
