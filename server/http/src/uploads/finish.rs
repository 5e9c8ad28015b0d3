//! Finishing: what happens between an object that is there and an answer that says so.
//!
//! Its first bytes are looked at where the destination wants that, and the application is told. An upload whose
//! application has not answered is not complete: the client tries again, and this is done again. Once it has, never:
//! a mark in the store, put before the object can be there and removed after the answer, is all that is remembered.

use partway_s3::store::{StoreError, StoredObject, namespace};
use partway_shared::checksum::ChecksumKind;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::wire::CompletedUpload;

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::hooks::FinishedUpload;
use crate::policy::{SNIFFED_BYTES, contradiction};
use crate::token::UploadClaims;

use super::{Uploads, log};

/// An object that is there, and of which not all is done.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    mark: Option<Mark>,
}

/// What says so in the store.
#[derive(Debug)]
struct Mark {
    version_id: Option<String>,
}

impl Uploads {
    /// Whether anything is done once the object is there, which must neither be left out nor done again.
    fn is_marked(&self, destination: &Destination, claims: &UploadClaims) -> bool {
        self.hooks.listens() || (destination.policy.sniff && claims.upload_id.is_some())
    }

    /// To be called before the object can be there.
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

    /// What is left to do for an object that was there already; none when all is done.
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

    /// Lets an object that is what was planned count as complete.
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
            object: completed(destination, claims, object)?,
        };
        if unfinished.is_some() {
            self.hooks.after_complete(&finished).await?;
            destination.metrics.completed(claims.size);
        }
        unmark(destination, claims, unfinished).await;
        self.release(caller, claims).await;
        Ok(finished.object)
    }
}

fn mark_key(destination: &Destination, claims: &UploadClaims) -> String {
    namespace::unfinished(&destination.policy.key_prefix, claims.id)
}

/// All is done. Where the mark cannot be removed, it is done once more when the client asks again.
async fn unmark(destination: &Destination, claims: &UploadClaims, unfinished: Option<Unfinished>) {
    let Some(Mark { version_id }) = unfinished.and_then(|unfinished| unfinished.mark) else { return };
    let removed = destination.store.delete(&mark_key(destination, claims), version_id.as_deref()).await;
    let _ = removed.inspect_err(log(claims, "removing the mark of an upload"));
}

/// Looks at a file's first bytes: [`ErrorCode::ContentMismatch`] if they are not of the type that it says. What was
/// looked at is what was seen before.
pub(super) async fn sniff(
    destination: &Destination,
    claims: &UploadClaims,
    key: &str,
    object: &StoredObject,
) -> Result<(), Problem> {
    let first = destination.store.first_bytes(key, &object.etag, SNIFFED_BYTES).await;
    let first = first.inspect_err(log(claims, "reading an object"))?;
    let Some(why) = contradiction(&claims.content_type, &destination.policy.types, &first) else {
        return Ok(());
    };
    tracing::warn!(
        upload.id = claims.upload_id,
        upload.key = claims.key,
        why,
        "a file was not what it says, and is removed"
    );
    Err(Problem::new(ErrorCode::ContentMismatch, why))
}

/// What the client is told of an object that its upload has become.
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
    Ok(CompletedUpload {
        bucket: destination.bucket.name.clone(),
        key: claims.key.clone(),
        location: destination.bucket.public_hosts.first().location(&claims.key),
        etag: object.etag,
        size: object.size,
        verified,
        checksum: checksum.map(Into::into),
        version_id: object.version_id,
        part_count: claims.plan()?.part_count(),
    })
}
