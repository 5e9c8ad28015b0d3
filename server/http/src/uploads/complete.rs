//! Completes uploads: what the client says is compared with the store first.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use partway_s3::store::{CompleteParams, StoreError, StoredObject, UploadRef};
use partway_shared::checksum::{ChecksumKind, Crc64Nvme, Md5};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::MAX_UPLOADS_PER_COMPLETE;
use partway_shared::part::{ByteRange, ETag, PartNumber};
use partway_shared::plan::Plan;
use partway_shared::wire::{
    CompleteUpload, CompleteUploads, CompletedUpload, CompletedUploads, Completion, StoredPart,
};

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::metrics::UploadOutcome;
use crate::token::UploadClaims;

use super::finish::Unfinished;
use super::identity;
use crate::batch::{all_failed_alike, together};

use super::{Uploads, head, is_own, log, upload_ref};

/// The most uploads of one request that are completed at a time.
const CONCURRENCY: usize = 16;

impl Uploads {
    /// Completes uploads. Returns one result for each, in order. A repeated request gets the same answer.
    ///
    /// # Errors
    /// When the request itself is not valid, or every upload failed for the same temporary reason.
    pub async fn complete(
        &self,
        caller: &Caller,
        request: &CompleteUploads,
    ) -> Result<CompletedUploads, Problem> {
        let uploads = &request.uploads;
        if uploads.is_empty() || uploads.len() > MAX_UPLOADS_PER_COMPLETE {
            let why = format!(
                "a request may complete 1 to {MAX_UPLOADS_PER_COMPLETE} uploads, not {}",
                uploads.len()
            );
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field("uploads"));
        }
        let completions = uploads.iter().enumerate().map(async |(index, upload)| {
            self.complete_one(caller, upload).await.map_err(|mut problem| {
                problem.field = problem.field.map(|field| format!("uploads[{index}].{field}"));
                problem
            })
        });
        let results = together(completions.collect(), CONCURRENCY).await;
        if let Some(problem) = all_failed_alike(&results) {
            return Err(problem);
        }
        let uploads = results.into_iter().map(|result| match result {
            Ok(completed) => Completion::Completed(Box::new(completed)),
            Err(problem) => Completion::Refused(problem),
        });
        Ok(CompletedUploads { uploads: uploads.collect() })
    }

    /// Completes an upload if numbers, order, sizes, ETags and checksums agree between the plan, the client and the
    /// store. If anything differs, nothing is completed, and nothing is removed.
    async fn complete_one(
        &self,
        caller: &Caller,
        request: &CompleteUpload,
    ) -> Result<CompletedUpload, Problem> {
        let (claims, destination) = self.claims(caller, &request.token)?;
        // What a copy should be is not for the client to say.
        let request = &match &claims.source {
            None => Cow::Borrowed(request),
            Some(source) => Cow::Owned(CompleteUpload { checksum: source.checksum, ..request.clone() }),
        };
        check_request(&claims, &claims.plan()?, request)?;
        let checked = async {
            let (object, unfinished) = match upload_ref(&claims) {
                Some(upload) => {
                    self.complete_multipart(caller, destination, &claims, upload, request).await?
                }
                None if claims.staged => self.complete_staged(caller, destination, &claims, request).await?,
                None => self.complete_direct(destination, &claims, request).await?,
            };
            self.finish(caller, destination, &claims, object, unfinished).await
        };
        let completed =
            checked.await.inspect_err(|_| destination.metrics.upload(UploadOutcome::uncompleted))?;
        tracing::info!(
            upload.id = claims.upload_id,
            upload.key = claims.key,
            size_bytes = completed.size,
            destination = claims.destination,
            "upload completed"
        );
        Ok(completed)
    }

    async fn complete_multipart(
        &self,
        caller: &Caller,
        destination: &Destination,
        claims: &UploadClaims,
        upload: UploadRef<'_>,
        request: &CompleteUpload,
    ) -> Result<(StoredObject, Option<Unfinished>), Problem> {
        let stored = match destination.store.list_parts(upload).await {
            Ok(stored) => stored,
            Err(StoreError::NoSuchUpload) => return self.find_completed(destination, claims, request).await,
            Err(error) => {
                log(claims, "listing parts")(&error);
                return Err(error.into());
            }
        };
        let claims = &match claims.size {
            Some(_) => Cow::Borrowed(claims),
            None => Cow::Owned(self.end_stream(caller, claims, request, &stored).await?),
        };
        let stored = compare(&claims.plan()?, request, &stored)?;
        if let Some(source) = claims.source.as_ref().filter(|source| source.checksum.is_none()) {
            // Nothing else would show that its parts are of one object: not every store looks at their condition.
            self.check_unchanged(claims, source).await?;
        }
        let combined = combined_checksum(&stored);
        if let (Some(ours), Some(theirs)) = (combined, request.checksum)
            && ours != theirs
        {
            if let Some(source) = &claims.source {
                self.check_unchanged(claims, source).await?;
            }
            let why =
                format!("the checksum of the stored parts is {ours}, and that in the request is {theirs}");
            return Err(Problem::new(ErrorCode::ChecksumMismatch, why).with_field("checksum"));
        }
        let keeps_existing = destination.attributes(claims).keeps_existing;
        if keeps_existing && let Some(object) = find_existing(destination, claims).await? {
            check_object(claims, request, &object)?;
            // These parts can become nothing any more. Where they are those of the object, they are gone already.
            let _ = destination.store.abort_upload(upload).await;
            return Ok((object, self.unfinished(destination, claims).await?));
        }
        let unfinished = self.begin_to_finish(destination, claims).await?;
        let checksum = request.checksum.filter(|_| claims.checksum == ChecksumKind::Crc64Nvme);
        let params = CompleteParams { parts: &request.parts, size: claims.bytes(), checksum, keeps_existing };
        match destination.store.complete_upload(upload, params).await {
            Ok(()) => {}
            // It may have succeeded at another replica, or at the SDK's first try.
            Err(StoreError::NoSuchUpload) => return self.find_completed(destination, claims, request).await,
            Err(error) => {
                log(claims, "completing an upload")(&error);
                if let Some(source) =
                    claims.source.as_ref().filter(|_| matches!(error, StoreError::ChecksumMismatch(_)))
                {
                    self.check_unchanged(claims, source).await?;
                }
                return Err(error.into());
            }
        }
        let object = head(destination, claims).await?;
        let object = object.ok_or_else(|| {
            Problem::new(ErrorCode::StoreMisbehaved, "the store completed the upload, but has no object")
        })?;
        check_object(claims, request, &object)?;
        Ok((object, Some(unfinished)))
    }

    /// Returns the claims of a stream that has as many bytes as its parts have together, if it may.
    async fn end_stream(
        &self,
        caller: &Caller,
        claims: &UploadClaims,
        request: &CompleteUpload,
        stored: &[StoredPart],
    ) -> Result<UploadClaims, Problem> {
        let stored = by_number(stored);
        let parts = request.parts.iter().enumerate();
        let sizes = parts.map(|(index, part)| find(&stored, index, part.part_number).map(|part| part.size));
        let size = sizes.sum::<Result<u64, _>>()?;
        claims.check_size(size)?;
        let ended = claims.ended(size);
        if ended.plan()?.part_count() as usize != request.parts.len() {
            let why = "each part but the last must be as long as the upload's strategy says";
            return Err(Problem::new(ErrorCode::PartMismatch, why).with_field("parts"));
        }
        self.quotas.charge(&caller.subject, &identity::quota_id(claims), size).await?;
        Ok(ended)
    }

    /// Handles an upload that is gone: it was completed and the answer was lost, or it was aborted.
    async fn find_completed(
        &self,
        destination: &Destination,
        claims: &UploadClaims,
        request: &CompleteUpload,
    ) -> Result<(StoredObject, Option<Unfinished>), Problem> {
        let Some(object) = head(destination, claims).await? else {
            return Err(StoreError::NoSuchUpload.into());
        };
        check_object(claims, request, &object)?;
        Ok((object, self.unfinished(destination, claims).await?))
    }
}

/// Returns the object under the key if it belongs to this upload: another replica may have completed it, or another
/// upload that the same request created.
///
/// Stores that ignore the condition of a completion would replace another object. Of two completions at the same
/// moment they still accept both.
async fn find_existing(
    destination: &Destination,
    claims: &UploadClaims,
) -> Result<Option<StoredObject>, Problem> {
    let existing = destination.store.head(&claims.key).await;
    match existing.inspect_err(log(claims, "looking for an object"))? {
        Some(object) if !is_own(claims, &object) => Err(StoreError::Exists.into()),
        own => Ok(own),
    }
}

/// Checks the request alone: every part of the plan, once, in order.
fn check_request(claims: &UploadClaims, plan: &Plan, request: &CompleteUpload) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    for (index, part) in request.parts.iter().enumerate() {
        let number = part.part_number;
        let refuse = |code, why: String| {
            Err(Problem::new(code, why).with_field(format!("parts[{index}].part_number")))
        };
        if plan.range(number).is_none() {
            let why = format!("the upload has {} parts, and no part {number}", plan.part_count());
            return refuse(ErrorCode::PartOutOfPlan, why);
        }
        if seen.contains(&number) {
            return refuse(ErrorCode::PartDuplicate, format!("part {number} is given twice"));
        }
        if let Some(before) = seen.last().filter(|before| **before > number) {
            let why = format!("part {number} comes after part {before}; parts must be in ascending order");
            return refuse(ErrorCode::InvalidField, why);
        }
        seen.insert(number);
    }
    // Nobody knows how many parts a stream has.
    let last =
        if plan.size().is_some() { plan.part_count() } else { seen.last().map_or(1, |last| last.get()) };
    let numbers = plan.part_numbers().take(last as usize);
    if let Some(missing) = numbers.into_iter().find(|number| !seen.contains(number)) {
        let why = format!("part {missing} is not in the request");
        return Err(Problem::new(ErrorCode::PartMissing, why).with_field("parts"));
    }
    if claims.checksum == ChecksumKind::Crc64Nvme && request.checksum.is_none() {
        let why = "this upload needs the object's CRC64NVME";
        return Err(Problem::new(ErrorCode::InvalidField, why).with_field("checksum"));
    }
    Ok(())
}

/// Compares the request with what the store has. Returns the stored parts in the order of the plan.
fn compare<'a>(
    plan: &Plan,
    request: &CompleteUpload,
    stored: &'a [StoredPart],
) -> Result<Vec<&'a StoredPart>, Problem> {
    let stored = by_number(stored);
    let compared = request.parts.iter().enumerate().map(|(index, part)| {
        let number = part.part_number;
        let theirs = find(&stored, index, number)?;
        let size = plan.range(number).map_or(0, ByteRange::len);
        if theirs.size != size {
            let why = format!("part {number} has {} bytes in the store, and {size} in the plan", theirs.size);
            return Err(Problem::new(ErrorCode::PartMismatch, why).with_field(format!("parts[{index}]")));
        }
        if theirs.etag != part.etag {
            return Err(etag_mismatch(index, number, &theirs.etag));
        }
        Ok(theirs)
    });
    compared.collect()
}

fn by_number(stored: &[StoredPart]) -> BTreeMap<PartNumber, &StoredPart> {
    stored.iter().map(|part| (part.part_number, part)).collect()
}

fn find<'a>(
    stored: &BTreeMap<PartNumber, &'a StoredPart>,
    index: usize,
    number: PartNumber,
) -> Result<&'a StoredPart, Problem> {
    stored.get(&number).copied().ok_or_else(|| {
        let why = format!("the store has no part {number}");
        Problem::new(ErrorCode::PartMissing, why).with_field(format!("parts[{index}]"))
    })
}

pub(super) fn etag_mismatch(index: usize, number: PartNumber, theirs: &ETag) -> Problem {
    let why = format!("part {number} has the ETag {theirs} in the store");
    Problem::new(ErrorCode::PartMismatch, why).with_field(format!("parts[{index}].etag"))
}

/// Compares the object with what it should be.
pub(super) fn check_object(
    claims: &UploadClaims,
    request: &CompleteUpload,
    object: &StoredObject,
) -> Result<(), Problem> {
    if let Some(size) = claims.size.filter(|size| object.size != *size) {
        let why = format!("the object has {} bytes, and the file has {size}", object.size);
        return Err(Problem::new(ErrorCode::PartMismatch, why));
    }
    if let (Some(theirs), Some(ours)) = (object.checksum, request.checksum)
        && theirs != ours
    {
        let why = format!("the object's checksum is {theirs}, and that in the request is {ours}");
        return Err(Problem::new(ErrorCode::ChecksumMismatch, why).with_field("checksum"));
    }
    if claims.checksum == ChecksumKind::Md5 && claims.upload_id.is_some() {
        check_multipart_etag(request, object)?;
    }
    Ok(())
}

/// Compares the object's ETag with the MD5 of its parts' MD5s, if all of these are MD5s.
///
/// An ETag in another format says nothing, and neither does one of an encrypted object.
fn check_multipart_etag(request: &CompleteUpload, object: &StoredObject) -> Result<(), Problem> {
    let of_parts = request.parts.iter().map(|part| Md5::from_etag(&part.etag).map(|md5| md5.0));
    let Some(of_parts) = of_parts.collect::<Option<Vec<_>>>().filter(|_| object.has_md5_etag) else {
        return Ok(());
    };
    let Some((theirs, count)) = object.etag.as_str().rsplit_once('-') else { return Ok(()) };
    let Some(theirs) = Md5::from_etag(&ETag::new(theirs)) else { return Ok(()) };
    if theirs == Md5::of(&of_parts.concat()) && count == of_parts.len().to_string() {
        return Ok(());
    }
    let why = format!("the object's ETag {} is not made of its parts' MD5s", object.etag);
    Err(Problem::new(ErrorCode::ChecksumMismatch, why))
}

/// Combines the parts' checksums, as the store has them, to the object's; `None` where it keeps none.
fn combined_checksum(stored: &[&StoredPart]) -> Option<Crc64Nvme> {
    stored.iter().try_fold(Crc64Nvme::EMPTY, |combined, part| {
        Some(combined.followed_by(part.checksum?.crc64nvme()?, part.size))
    })
}
