//! Finishing: what happens between an object that is there and an answer that says so.
//!
//! Its first bytes are looked at where the destination wants that, and the application is told. An upload whose
//! application has not answered is not complete: the client tries again, and this is done again.

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::wire::CompletedUpload;

use crate::destinations::Destination;
use crate::hooks::FinishedUpload;
use crate::identity::Caller;
use crate::policy::{SNIFFED_BYTES, contradiction};
use crate::store::StoredObject;
use crate::token::UploadClaims;

use super::{Uploads, log};

impl Uploads {
    /// Lets an object that is what was planned count as complete.
    pub(super) async fn finish(
        &self,
        caller: &Caller,
        destination: &Destination,
        claims: &UploadClaims,
        object: StoredObject,
    ) -> Result<CompletedUpload, Problem> {
        if destination.policy.sniff
            && let Err(problem) = sniff(destination, claims).await
        {
            if problem.code == ErrorCode::ContentMismatch {
                self.release(caller, claims).await;
            }
            return Err(problem);
        }
        let object = completed(destination, claims, object)?;
        let finished = FinishedUpload {
            id: claims.id.to_string(),
            subject: claims.subject.clone(),
            destination: claims.destination.clone(),
            content_type: claims.content_type.clone(),
            object,
        };
        self.hooks.after_complete(&finished).await?;
        self.release(caller, claims).await;
        destination.metrics.completed(claims.size);
        Ok(finished.object)
    }
}

/// Removes a file that is not what it says.
async fn sniff(destination: &Destination, claims: &UploadClaims) -> Result<(), Problem> {
    let store = &destination.store;
    let first =
        store.first_bytes(&claims.key, SNIFFED_BYTES).await.inspect_err(log(claims, "reading an object"))?;
    let Some(why) = contradiction(&claims.content_type, &destination.policy.types, &first) else {
        return Ok(());
    };
    store.delete(&claims.key).await.inspect_err(log(claims, "removing an object"))?;
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
        location: destination.bucket.hosts.first().location(&claims.key),
        etag: object.etag,
        size: object.size,
        verified,
        checksum: checksum.map(Into::into),
        version_id: object.version_id,
        part_count: claims.plan()?.part_count(),
    })
}
