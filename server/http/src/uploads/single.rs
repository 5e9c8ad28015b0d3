//! Files that are sent by one PUT or form, and how they become an object that is final.
//!
//! *Direct*, to the object's own key: if the store refuses a second object under a key, and nothing has to be checked
//! or told first. What is stored is complete.
//!
//! *Staged*, all others: to a key below `.partway/`, from which the completion moves it. So nobody has a URL for the
//! object's key, and a refused file was never there.

use partway_s3::signing::PutTerms;
use partway_s3::store::{CopySource, StoreError, StoredObject, UnsignedHeaders, namespace};
use partway_shared::checksum::{Checksum, ChecksumKind, Md5};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::part::PartNumber;
use partway_shared::wire::{CompleteUpload, StoredPart};

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::token::UploadClaims;

use super::complete::{check_object, etag_mismatch};
use super::finish::{Unfinished, sniff};
use super::{Uploads, head, is_own, log, new_object};

/// The most versions of a staged file that are removed at once. The sweep removes the rest.
const MOST_VERSIONS: usize = 16;

impl Uploads {
    /// Returns whether a file can be sent to its own key.
    pub(super) fn can_be_direct(&self, destination: &Destination, claims: &UploadClaims) -> bool {
        let replaces = !destination.attributes(claims).keeps_existing;
        let is_final = destination.verification.puts_only_create() && !replaces;
        // Whoever owns the bucket may replace what is there, and nobody else has the URL.
        let is_owners = destination.policy.callers_own_bucket && replaces;
        (is_final || is_owners) && !destination.policy.sniff && !self.hooks.listens()
    }

    /// Checks a file that was sent to its own key. It is complete if it is what was signed.
    pub(super) async fn complete_direct(
        &self,
        destination: &Destination,
        claims: &UploadClaims,
        request: &CompleteUpload,
    ) -> Result<(StoredObject, Option<Unfinished>), Problem> {
        let object = head(destination, claims).await?.ok_or_else(missing)?;
        check_etag(request, &object)?;
        check_object(claims, request, &object)?;
        check_headers(destination, claims, &object).await?;
        Ok((object, Some(Unfinished::default())))
    }

    /// Moves a staged file to its own key, if it is what the client says.
    pub(super) async fn complete_staged(
        &self,
        caller: &Caller,
        destination: &Destination,
        claims: &UploadClaims,
        request: &CompleteUpload,
    ) -> Result<(StoredObject, Option<Unfinished>), Problem> {
        let Some(staged) = look(destination, claims).await? else {
            let found = self.found(destination, claims, request).await?;
            return found.ok_or_else(missing);
        };
        let attributes = destination.attributes(claims);
        let store_decides = attributes.keeps_existing
            && destination.verification.copies_only_create()
            && !self.hooks.listens();
        // Only now: of a file that is replaced once another call has completed it, the copy notices.
        if !store_decides && let Some(found) = self.found(destination, claims, request).await? {
            remove_staged(destination, claims, Some(&staged)).await;
            return Ok(found);
        }
        if let Err(problem) =
            check_etag(request, &staged).and_then(|()| check_object(claims, request, &staged))
        {
            // What was sent after the upload was completed need not be what was completed.
            let Some(found) = self.found(destination, claims, request).await? else { return Err(problem) };
            remove_staged(destination, claims, Some(&staged)).await;
            return Ok(found);
        }
        let source_key = incoming(destination, claims);
        if destination.policy.sniff
            && let Err(problem) = sniff(destination, claims, &source_key, &staged).await
        {
            if problem.code == ErrorCode::ContentMismatch {
                remove_staged(destination, claims, None).await;
                self.release(caller, claims).await;
            }
            return Err(problem);
        }
        let unfinished = self.begin_to_finish(destination, claims).await?;
        let source = CopySource::own(&source_key, &staged);
        let copied = match destination.store.copy(source, new_object(claims, &attributes)).await {
            Ok(copied) => copied,
            // Somebody was quicker: a second call for the same upload, another upload, or the client with other bytes.
            Err(error @ (StoreError::NoSuchUpload | StoreError::Exists)) => {
                let Some(found) = self.found(destination, claims, request).await? else {
                    return Err(if error == StoreError::Exists {
                        StoreError::Changed.into()
                    } else {
                        missing()
                    });
                };
                remove_staged(destination, claims, Some(&staged)).await;
                return Ok(found);
            }
            Err(error) => {
                log(claims, "moving a file to its key")(&error);
                return Err(error.into());
            }
        };
        let object = check_copy(destination, claims, request, &staged, copied).await?;
        remove_staged(destination, claims, Some(&staged)).await;
        Ok((object, Some(unfinished)))
    }

    /// Returns the object that a staged file has become before. An object of another upload is an error.
    async fn found(
        &self,
        destination: &Destination,
        claims: &UploadClaims,
        request: &CompleteUpload,
    ) -> Result<Option<(StoredObject, Option<Unfinished>)>, Problem> {
        let object = destination.store.head(&claims.key).await;
        let Some(object) = object.inspect_err(log(claims, "looking for an object"))? else { return Ok(None) };
        if !is_own(claims, &object) {
            let stays = destination.attributes(claims).keeps_existing;
            return if stays { Err(StoreError::Exists.into()) } else { Ok(None) };
        }
        check_object(claims, request, &object)?;
        // The copy has an ETag of its own; where both are the bytes' MD5s they are the same.
        let said = request.parts.first().and_then(|part| Md5::from_etag(&part.etag));
        let ours = Md5::from_etag(&object.etag).filter(|_| object.has_md5_etag);
        if let (Some(said), Some(ours)) = (said, ours)
            && said != ours
        {
            return Err(etag_mismatch(0, PartNumber::FIRST, &object.etag));
        }
        let unfinished = self.unfinished(destination, claims).await?;
        Ok(Some((object, unfinished)))
    }
}

fn missing() -> Problem {
    Problem::new(ErrorCode::PartMissing, "the store has no such object").with_field("parts[0]")
}

/// Returns the key that a URL or a form is for.
pub(super) fn key_to_send_to(destination: &Destination, claims: &UploadClaims) -> String {
    if claims.staged { incoming(destination, claims) } else { claims.key.clone() }
}

/// Returns what a single PUT must carry, as decided when the upload was created.
pub(super) fn put_terms<'a>(
    destination: &Destination,
    claims: &'a UploadClaims,
    checksum: Option<Checksum>,
) -> PutTerms<'a> {
    if claims.staged {
        return PutTerms {
            content_length: claims.bytes(),
            // A reader of the bucket gets nothing that a browser would run.
            content_type: Some("application/octet-stream"),
            content_disposition: Some("attachment"),
            checksum,
            attributes: destination.policy.attributes.of_incoming(),
        };
    }
    PutTerms {
        content_length: claims.bytes(),
        content_type: Some(&claims.content_type),
        content_disposition: claims.content_disposition.as_deref(),
        checksum,
        attributes: destination.attributes(claims),
    }
}

/// Returns a staged file as its only part, if it exists with the size of the file.
pub(super) async fn staged_part(
    destination: &Destination,
    claims: &UploadClaims,
) -> Result<Option<StoredPart>, StoreError> {
    let staged = look(destination, claims).await?.filter(|staged| staged.size == claims.bytes());
    Ok(staged.map(|staged| StoredPart {
        part_number: PartNumber::FIRST,
        size: staged.size,
        etag: staged.etag,
        checksum: staged.checksum.filter(|_| claims.checksum == ChecksumKind::Crc64Nvme).map(Into::into),
    }))
}

fn incoming(destination: &Destination, claims: &UploadClaims) -> String {
    namespace::incoming(&destination.policy.key_prefix, claims.id)
}

async fn look(destination: &Destination, claims: &UploadClaims) -> Result<Option<StoredObject>, StoreError> {
    let staged = destination.store.head(&incoming(destination, claims)).await;
    staged.inspect_err(log(claims, "looking for a file"))
}

/// Removes every version of a staged file. A failure is logged; the sweep removes it later.
pub(super) async fn remove_staged(
    destination: &Destination,
    claims: &UploadClaims,
    seen: Option<&StoredObject>,
) {
    let removed = async {
        let mut left = match seen {
            Some(seen) => Some(seen.clone()),
            None => look(destination, claims).await?,
        };
        for _ in 0..MOST_VERSIONS {
            let Some(staged) = left else { break };
            let version = staged.version_id.as_deref();
            destination.store.delete(&incoming(destination, claims), version).await?;
            // One version uncovers the one before it.
            left = if version.is_some() { look(destination, claims).await? } else { None };
        }
        Ok(())
    };
    let _ = removed.await.inspect_err(log(claims, "removing a staged file"));
}

fn check_etag(request: &CompleteUpload, object: &StoredObject) -> Result<(), Problem> {
    if request.parts.first().is_some_and(|part| !object.etag.is_empty() && part.etag != object.etag) {
        return Err(etag_mismatch(0, PartNumber::FIRST, &object.etag));
    }
    Ok(())
}

/// Compares the copy with its source and the request. One that differs is removed.
async fn check_copy(
    destination: &Destination,
    claims: &UploadClaims,
    request: &CompleteUpload,
    staged: &StoredObject,
    copied: StoredObject,
) -> Result<StoredObject, Problem> {
    // A copy's answer need not say the checksum, or says one that is told this once.
    let is_said = staged.checksum.is_some() && copied.checksum.is_some();
    let object = if claims.checksum == ChecksumKind::Crc64Nvme && !is_said {
        head(destination, claims).await?.unwrap_or(copied)
    } else {
        copied
    };
    let checked = match verified(staged, &object) {
        None => Err(StoreError::Changed.into()),
        Some(_) => check_object(claims, request, &object),
    };
    if checked.is_err() {
        let removed = destination.store.delete(&claims.key, object.version_id.as_deref()).await;
        removed.inspect_err(log(claims, "removing a copy"))?;
    }
    checked.map(|()| object)
}

/// Returns what shows that a copy has its source's bytes, as [`ChecksumKind::None`] where nothing does; `None` where it has
/// others. (Not every store looks at the condition of a copy.)
pub(super) fn verified(source: &StoredObject, copy: &StoredObject) -> Option<ChecksumKind> {
    let md5 = |object: &StoredObject| Md5::from_etag(&object.etag).filter(|_| object.has_md5_etag);
    if let (Some(theirs), Some(ours)) = (source.checksum, copy.checksum) {
        return (theirs == ours).then_some(ChecksumKind::Crc64Nvme);
    }
    match (md5(source), md5(copy)) {
        (Some(theirs), Some(ours)) => (theirs == ours).then_some(ChecksumKind::Md5),
        _ => Some(ChecksumKind::None),
    }
}

/// Refuses and removes an object with headers that the client added and that were not signed.
pub(super) async fn check_headers(
    destination: &Destination,
    claims: &UploadClaims,
    object: &StoredObject,
) -> Result<(), Problem> {
    let Some(name) = unsigned_header(destination, claims, object) else { return Ok(()) };
    let removed = destination.store.delete(&claims.key, object.version_id.as_deref()).await;
    removed.inspect_err(log(claims, "removing an object"))?;
    tracing::warn!(
        upload.key = claims.key,
        header = name,
        "a file was sent with a header that was not signed, and is removed"
    );
    let why = format!("the file was sent with a {name} that was not signed");
    Err(Problem::new(ErrorCode::ContentMismatch, why))
}

/// Returns the name of a header of the object that differs from its destination's.
pub(super) fn unsigned_header(
    destination: &Destination,
    claims: &UploadClaims,
    object: &StoredObject,
) -> Option<&'static str> {
    let attributes = &destination.policy.attributes;
    let said = UnsignedHeaders {
        cache_control: attributes.cache_control.clone(),
        content_disposition: claims.content_disposition.clone(),
        content_encoding: attributes.content_encoding.clone(),
        content_language: attributes.content_language.clone(),
        expires: attributes.expires.clone(),
    };
    said.difference(&object.headers)
}
