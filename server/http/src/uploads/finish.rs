//! Finishes uploads: what happens between an object that exists and an answer that says so.
//!
//! The object's first bytes are checked if the destination wants that, and the application is told. Until it has
//! answered, the upload is not complete: the client retries, and this is repeated. After that it is not: a mark in
//! the store, put before the object can exist and removed after the application's answer, is the only state.

use partway_s3::store::{StoreError, StoredObject, namespace};
use partway_shared::checksum::ChecksumKind;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::wire::CompletedUpload;

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::hooks::FinishedUpload;
use crate::policy::{SNIFFED_BYTES, contradiction};
use crate::token::UploadClaims;

use super::{Uploads, copied_object, log};

/// An object that exists, but is not finished.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    mark: Option<Mark>,
}

/// The mark in the store.
#[derive(Debug)]
struct Mark {
    version_id: Option<String>,
}

impl Uploads {
    /// Returns whether an upload needs a mark, since something must be done exactly once after the object exists.
    fn is_marked(&self, destination: &Destination, claims: &UploadClaims) -> bool {
        self.hooks.listens() || (destination.policy.sniff && claims.upload_id.is_some())
    }

    /// Puts the mark. Call it before the object can exist.
    pub(super) async fn begin_to_finish(
        &self,
        destination: &Destination,
        claims: &UploadClaims,
    ) -> Result<Unfinished, StoreError> {
        if !self.is_marked(destination, claims) {
            return Ok(Unfinished::default());
        }
        let attributes = destination.policy.attributes.of_incoming();
        let put = destination.store.put_empty(&mark_key(destination, claims), &attributes).await;
        let version_id = put.inspect_err(log(claims, "marking an upload"))?;
        Ok(Unfinished { mark: Some(Mark { version_id }) })
    }

    /// Returns what is left to do for an object that existed already; `None` when it is finished.
    pub(super) async fn unfinished(
        &self,
        destination: &Destination,
        claims: &UploadClaims,
    ) -> Result<Option<Unfinished>, StoreError> {
        if !self.is_marked(destination, claims) {
            return Ok(None);
        }
        let mark = destination.store.head(&mark_key(destination, claims)).await;
        let mark = mark.inspect_err(log(claims, "looking whether an upload is finished"))?;
        Ok(mark.map(|mark| Unfinished { mark: Some(Mark { version_id: mark.version_id }) }))
    }

    /// Finishes an object that equals the plan: checks its bytes, and tells the application.
    pub(super) async fn finish(
        &self,
        caller: &Caller,
        destination: &Destination,
        claims: &UploadClaims,
        object: StoredObject,
        unfinished: Option<Unfinished>,
    ) -> Result<CompletedUpload, Problem> {
        // What was sent as a whole is looked at before it is there.
        if unfinished.is_some()
            && claims.upload_id.is_some()
            && destination.policy.sniff
            && let Err(problem) = sniff(destination, claims, &claims.key, &object).await
        {
            if problem.code == ErrorCode::ContentMismatch {
                let removed = destination.store.delete(&claims.key, object.version_id.as_deref()).await;
                removed.inspect_err(log(claims, "removing an object"))?;
                unmark(destination, claims, unfinished).await;
                self.release(caller, claims).await;
            }
            return Err(problem);
        }
        let finished = FinishedUpload {
            id: claims.id.to_string(),
            subject: claims.subject.clone(),
            destination: claims.destination.clone(),
            content_type: claims.content_type.clone(),
            source: copied_object(claims),
            object: completed(destination, claims, object)?,
        };
        if unfinished.is_some() {
            self.hooks.after_complete(&finished).await?;
            destination.metrics.completed(finished.object.size);
        }
        unmark(destination, claims, unfinished).await;
        self.release(caller, claims).await;
        Ok(finished.object)
    }
}

fn mark_key(destination: &Destination, claims: &UploadClaims) -> String {
    namespace::unfinished(&destination.policy.key_prefix, claims.id)
}

/// Removes the mark. If that fails, the object is finished once more when the client asks again.
async fn unmark(destination: &Destination, claims: &UploadClaims, unfinished: Option<Unfinished>) {
    let Some(Mark { version_id }) = unfinished.and_then(|unfinished| unfinished.mark) else { return };
    let removed = destination.store.delete(&mark_key(destination, claims), version_id.as_deref()).await;
    let _ = removed.inspect_err(log(claims, "removing the mark of an upload"));
}

/// Checks a file's first bytes: [`ErrorCode::ContentMismatch`] if they are not of its media type. The ETag makes sure
/// that these are the bytes of the object that was seen.
pub(super) async fn sniff(
    destination: &Destination,
    claims: &UploadClaims,
    key: &str,
    object: &StoredObject,
) -> Result<(), Problem> {
    let first = destination.store.first_bytes(key, None, &object.etag, SNIFFED_BYTES).await;
    let first = first.inspect_err(log(claims, "reading an object"))?;
    let Some(why) = contradiction(&claims.content_type, &destination.policy.types, &first) else {
        return Ok(());
    };
    tracing::warn!(
        upload.id = claims.upload_id,
        upload.key = claims.key,
        why,
        "a file whose content does not match its type is removed"
    );
    Err(Problem::new(ErrorCode::ContentMismatch, why))
}

/// Returns what the client is told of the object.
fn completed(
    destination: &Destination,
    claims: &UploadClaims,
    object: StoredObject,
) -> Result<CompletedUpload, Problem> {
    let verified = match (claims.checksum, object.checksum) {
        // A store that ignores the checksum has none to show, and has verified nothing.
        (ChecksumKind::Crc64Nvme, None) => ChecksumKind::None,
        (kind, _) => kind,
    };
    // S3 makes a checksum of its own where none is sent, and has nothing to compare it with.
    let checksum = object.checksum.filter(|_| verified == ChecksumKind::Crc64Nvme);
    // Of a stream, the object says how many parts there were.
    Ok(CompletedUpload {
        bucket: destination.bucket.name.clone(),
        key: claims.key.clone(),
        location: destination.bucket.public_hosts.first().location(&claims.key),
        etag: object.etag,
        size: object.size,
        verified,
        checksum: checksum.map(Into::into),
        version_id: object.version_id,
        part_count: claims.ended(object.size).plan()?.part_count(),
    })
}
