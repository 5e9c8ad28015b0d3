//! Copies objects: uploads whose bytes the store has already.
//!
//! What the target accepts, what it adds and what it counts is as with a file of the same name, size and type. A small object is
//! copied by one call. Of a large one the client gets URLs by which the store copies each part, and all that follows is an
//! upload in parts: what the store verified of the object is what it has to find in the copy.

use partway_s3::attributes::{MAX_TAGS, UPLOAD_MARK, check_metadata, check_metadata_size, check_tags};
use partway_s3::store::{CopySource, Looked, StoreError, StoredObject, UnsignedHeaders};
use partway_shared::checksum::{ChecksumKind, Crc64Nvme};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::wire::{CompletedUpload, CreateCopy, CreatedCopy, NewUpload, Operation};

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::excerpt::excerpt;
use crate::metrics::UploadOutcome;
use crate::policy::{MediaType, Policy, SNIFFED_BYTES, contradiction};
use crate::token::{SourceClaims, UploadClaims};

use super::finish::Unfinished;
use super::proposal::{Kept, Proposal};
use super::single::verified;
use super::{Uploads, head, is_own, log, new_object};

/// The field of a request that says where the copy goes.
const TO: &str = "to";

impl Uploads {
    /// Copies an object that the caller may copy, as it was looked at.
    pub(crate) async fn copy(
        &self,
        caller: &Caller,
        request: &CreateCopy,
        from: &Destination,
        looked: &Looked,
    ) -> Result<CreatedCopy, Problem> {
        let file = file(request, looked)?;
        let copied = async {
            let proposal = self.propose_copy(caller, request, &file, (from, looked)).await?;
            if proposal.plan.is_multipart() {
                return Ok(CreatedCopy::Accepted(Box::new(self.begin(caller, proposal).await?)));
            }
            let copied = self.copy_at_once(caller, request, proposal, (from, looked)).await?;
            Ok(CreatedCopy::Copied(Box::new(copied)))
        };
        let copied = copied.await.map_err(|problem| in_request(problem, request));
        if let Ok(destination) = self.destinations.find(request.to.destination.as_deref(), caller) {
            let outcome = if copied.is_ok() { UploadOutcome::created } else { UploadOutcome::refused };
            destination.metrics.upload(outcome);
        }
        copied
    }

    /// Returns the copy as it would be made, or why it is refused.
    async fn propose_copy<'a>(
        &'a self,
        caller: &Caller,
        request: &CreateCopy,
        file: &'a NewUpload,
        (from, looked): (&Destination, &Looked),
    ) -> Result<Proposal<'a>, Problem> {
        let mut proposal = self.proposal(caller, file, Some(request), TO.to_owned())?;
        let Proposal { destination, claims, .. } = &mut proposal;
        let policy = &destination.policy;
        if destination.bucket.identity != from.bucket.identity {
            let why = "it is in another store than the copy would be; download it and upload it there";
            return Err(Problem::new(ErrorCode::CopyNotPossible, why).with_field("to.destination"));
        }
        let plan = policy.plan_copy(looked.object.size);
        let plan = plan.map_err(|error| Problem::new(ErrorCode::FileTooLarge, error.to_string()))?;
        if plan.is_multipart() && !destination.verification.copies_parts() {
            let why =
                "the store does not copy parts of objects (UploadPartCopy), which one of this size takes";
            return Err(Problem::new(ErrorCode::CopyNotPossible, why).with_field("to.destination"));
        }
        if plan.is_multipart() && !destination.verification.copies_parts_of(&looked.object.key) {
            let why =
                "the store would copy parts of another object than the one with this key, which has a %";
            return Err(Problem::new(ErrorCode::CopyNotPossible, why).with_field("from.key"));
        }
        if let Some(key) = &request.to.key {
            claims.key.clone_from(key);
            claims.shared = true;
        }
        claims.strategy = plan.strategy().clone();
        let checksum = checksum(looked).filter(|_| claims.checksum == ChecksumKind::Crc64Nvme);
        claims.checksum = checksum.map_or(ChecksumKind::None, |_| ChecksumKind::Crc64Nvme);
        let says_disposition = policy.attributes.content_disposition.is_some();
        if !says_disposition
            && !replaces_headers(request, policy)
            && (claims.content_disposition.is_none() || is_attachment(looked))
        {
            claims.content_disposition.clone_from(&looked.headers.content_disposition);
        }
        claims.source = Some(SourceClaims {
            destination: from.name.clone(),
            bucket: from.bucket.name.clone(),
            key: looked.object.key.clone(),
            version_id: request.from.version_id.clone(),
            etag: looked.object.etag.clone(),
            checksum,
        });
        proposal.plan = plan;
        let mut proposals = [Ok(proposal)];
        self.ask(caller, &mut proposals).await?;
        let [proposal] = proposals;
        let mut proposal = proposal?;
        proposal.kept = kept(request, &proposal, (from, looked)).await?;
        check(&proposal)?;
        if proposal.destination.policy.sniff {
            sniff(&proposal, from, looked).await?;
        }
        Ok(proposal)
    }

    /// Copies an object by one call.
    async fn copy_at_once(
        &self,
        caller: &Caller,
        request: &CreateCopy,
        mut proposal: Proposal<'_>,
        (from, looked): (&Destination, &Looked),
    ) -> Result<CompletedUpload, Problem> {
        let reservation = self.reserve_quota(caller, &proposal).await?;
        let copied = self.copy_counted(request, &proposal, (from, looked)).await;
        let (object, verified, unfinished) = match copied {
            Ok(copied) => copied,
            Err(problem) => {
                self.release_quota(caller, &proposal, reservation).await;
                return Err(problem);
            }
        };
        let Proposal { destination, claims, .. } = &mut proposal;
        claims.checksum = verified;
        tracing::info!(
            upload.key = claims.key,
            size_bytes = claims.size,
            destination = claims.destination,
            "object copied"
        );
        self.finish(caller, destination, claims, object, unfinished).await
    }

    /// Copies an object that is counted. Returns the copy, what shows that it has the same bytes, and what is left to do.
    async fn copy_counted(
        &self,
        request: &CreateCopy,
        proposal: &Proposal<'_>,
        (from, looked): (&Destination, &Looked),
    ) -> Result<(StoredObject, ChecksumKind, Option<Unfinished>), Problem> {
        let Proposal { destination, claims, .. } = proposal;
        let source = stored(looked);
        // Only a request that names itself can have been made before.
        if request.id.is_some()
            && let Some(copied) = self.find_copy(destination, claims, &source).await?
        {
            return Ok(copied);
        }
        let unfinished = self.begin_to_finish(destination, claims).await?;
        let attributes = proposal.attributes();
        let is_elsewhere = from.bucket.name != destination.bucket.name;
        let copy_source = CopySource {
            bucket: is_elsewhere.then_some(from.bucket.name.as_str()),
            key: &looked.object.key,
            version_id: request.from.version_id.as_deref(),
            object: &source,
            keeps_tags: keeps_tags(request, proposal),
        };
        let copied = match destination.store.copy(copy_source, new_object(claims, &attributes)).await {
            Ok(copied) => copied,
            Err(StoreError::NoSuchUpload) => return Err(not_found()),
            Err(StoreError::Exists) => {
                if attributes.keeps_existing
                    && let Some(copied) = self.find_copy(destination, claims, &source).await?
                {
                    return Ok(copied);
                }
                return Err(changed());
            }
            Err(error) => {
                log(claims, "copying an object")(&error);
                return Err(match error {
                    StoreError::Misbehaved(_) => {
                        let why = "the store refused to copy it; the server's log has its words";
                        Problem::new(ErrorCode::CopyNotPossible, why)
                    }
                    error => error.into(),
                });
            }
        };
        let is_shown = !is_elsewhere && verified(&source, &copied).is_some_and(|by| by != ChecksumKind::None);
        let object = if is_shown { copied } else { head(destination, claims).await?.unwrap_or(copied) };
        let Some(verified) = verified(&source, &object).filter(|_| object.size == source.size) else {
            let removed = destination.store.delete(&claims.key, object.version_id.as_deref()).await;
            removed.inspect_err(log(claims, "removing a copy"))?;
            return Err(changed());
        };
        Ok((object, verified, Some(unfinished)))
    }

    /// Returns the copy, if an earlier request has made it. Another object that stays is an error.
    async fn find_copy(
        &self,
        destination: &Destination,
        claims: &UploadClaims,
        source: &StoredObject,
    ) -> Result<Option<(StoredObject, ChecksumKind, Option<Unfinished>)>, Problem> {
        let object = destination.store.head(&claims.key).await;
        let Some(object) = object.inspect_err(log(claims, "looking for an object"))? else { return Ok(None) };
        if !is_own(claims, &object) {
            let stays = destination.attributes(claims).keeps_existing;
            return if stays { Err(StoreError::Exists.into()) } else { Ok(None) };
        }
        let Some(verified) = verified(source, &object) else { return Err(changed()) };
        let unfinished = self.unfinished(destination, claims).await?;
        Ok(Some((object, verified, unfinished)))
    }

    /// Checks that the caller may copy an object still: its upload may take days.
    pub(super) fn check_source(&self, caller: &Caller, source: &SourceClaims) -> Result<(), Problem> {
        let destination = self.destinations.find(Some(&source.destination), caller).ok();
        let may_copy = destination.is_some_and(|destination| {
            let policy = &destination.policy;
            destination.bucket.name == source.bucket
                && policy.allows(Operation::Copy, &caller.scope)
                && policy.reaches(caller.subject.as_str(), &caller.scope, &source.key)
        });
        if may_copy {
            return Ok(());
        }
        let why = "the caller may not copy the upload's object any more";
        Err(Problem::new(ErrorCode::OperationNotAllowed, why))
    }

    /// Checks that an object is still the one that an upload is a copy of.
    pub(super) async fn check_unchanged(
        &self,
        claims: &UploadClaims,
        source: &SourceClaims,
    ) -> Result<(), Problem> {
        let destination = self.destinations.in_bucket(&source.destination, &source.bucket);
        let Some(destination) = destination else { return Err(not_found()) };
        let looked = destination.objects.look(&source.key, source.version_id.as_deref()).await;
        let looked = looked.inspect_err(log(claims, "looking at the object of a copy"))?;
        match looked {
            None => Err(not_found()),
            Some(looked) if looked.object.etag != source.etag => Err(changed()),
            Some(_) => Ok(()),
        }
    }
}

/// Returns the file that the target is asked to accept.
fn file(request: &CreateCopy, looked: &Looked) -> Result<NewUpload, Problem> {
    let CreateCopy { id, to, metadata, tags, content_type, .. } = request;
    let refuse = |field: &str, why: String| Problem::new(ErrorCode::InvalidField, why).with_field(field);
    metadata.as_ref().map_or(Ok(()), check_metadata).map_err(|why| refuse("metadata", why))?;
    tags.as_ref().map_or(Ok(()), check_tags).map_err(|why| refuse("tags", why))?;
    let key = to.key.as_deref().unwrap_or(&looked.object.key);
    // Of a folder's marker, what is before its slash.
    let last = key.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let file = NewUpload {
        id: *id,
        name: to.name.as_deref().unwrap_or(last).to_owned(),
        size: Some(looked.object.size),
        content_type: content_type.clone().or_else(|| looked.object.content_type.clone()),
        destination: to.destination.clone(),
        ..NewUpload::default()
    };
    if content_type.is_none()
        && let Err(why) = MediaType::of(&file)
    {
        let kept = excerpt(file.content_type.as_deref().unwrap_or_default());
        return Err(refuse(
            "type",
            format!("the object's own type {kept:?} cannot be kept ({why}); say another"),
        ));
    }
    Ok(file)
}

/// Returns what the copy has of its object.
async fn kept(
    request: &CreateCopy,
    proposal: &Proposal<'_>,
    (from, looked): (&Destination, &Looked),
) -> Result<Kept, Problem> {
    let mut metadata = request.metadata.clone().unwrap_or_else(|| looked.metadata.clone());
    // It says which upload an object is of.
    metadata.remove(UPLOAD_MARK);
    let tags = match &request.tags {
        Some(tags) => tags.clone(),
        None if keeps_tags(request, proposal) => Default::default(),
        None => {
            let tags = from.objects.tags(&looked.object.key, request.from.version_id.as_deref()).await;
            match tags {
                Ok(tags) => tags,
                // One that knows no tags refuses the question.
                Err(StoreError::Misbehaved(_)) => Default::default(),
                Err(error) => {
                    log(&proposal.claims, "reading an object's tags (s3:GetObjectTagging)")(&error);
                    return Err(if error == StoreError::NoSuchUpload { not_found() } else { error.into() });
                }
            }
        }
    };
    let replaces = replaces_headers(request, &proposal.destination.policy);
    let headers = if replaces { UnsignedHeaders::default() } else { looked.headers.clone() };
    Ok(Kept { headers, metadata, tags })
}

/// Returns whether the object's headers go with its metadata, as S3 has it (`x-amz-metadata-directive: REPLACE`): who owns the bucket
/// means that.
fn replaces_headers(request: &CreateCopy, policy: &Policy) -> bool {
    policy.callers_own_bucket && request.metadata.is_some()
}

/// Returns whether the store keeps the object's tags by itself, so that nobody has to read them.
fn keeps_tags(request: &CreateCopy, proposal: &Proposal<'_>) -> bool {
    let Proposal { destination, claims, plan, .. } = proposal;
    request.tags.is_none() && !plan.is_multipart() && destination.attributes(claims).tags.is_empty()
}

/// Checks that the store and a token can take all that comes together.
fn check(proposal: &Proposal<'_>) -> Result<(), Problem> {
    let refuse = |field: &str, why: String| Err(Problem::new(ErrorCode::InvalidField, why).with_field(field));
    let attributes = proposal.attributes();
    check_metadata_size(&attributes.metadata).or_else(|why| refuse("metadata", why))?;
    if attributes.tags.len() > MAX_TAGS {
        return refuse(
            "tags",
            format!("with those of its destination, the copy would have more than {MAX_TAGS} tags"),
        );
    }
    proposal
        .claims
        .check_length()
        .or_else(|_| refuse("from.key", "the keys are too long for a copy".to_owned()))
}

/// Checks the object's first bytes, as those of a file are checked.
async fn sniff(proposal: &Proposal<'_>, from: &Destination, looked: &Looked) -> Result<(), Problem> {
    let Proposal { destination, claims, .. } = proposal;
    let Some(source) = &claims.source else { return Ok(()) };
    let first =
        from.store.first_bytes(&source.key, source.version_id.as_deref(), &looked.object.etag, SNIFFED_BYTES);
    let first = match first.await {
        Ok(first) => first,
        Err(StoreError::NoSuchUpload) => return Err(not_found()),
        Err(StoreError::Changed) => return Err(changed()),
        Err(error) => {
            log(claims, "reading an object")(&error);
            return Err(error.into());
        }
    };
    match contradiction(&claims.content_type, &destination.policy.types, &first) {
        Some(why) => Err(Problem::new(ErrorCode::ContentMismatch, why).with_field("from.key")),
        None => Ok(()),
    }
}

fn is_attachment(looked: &Looked) -> bool {
    let disposition = looked.headers.content_disposition.as_deref().unwrap_or_default();
    disposition.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("attachment"))
}

fn checksum(looked: &Looked) -> Option<Crc64Nvme> {
    looked.object.checksum.as_ref()?.value.parse().ok()
}

/// Returns the object as those that the server copies by itself are.
fn stored(looked: &Looked) -> StoredObject {
    let Looked { object, headers, .. } = looked;
    StoredObject {
        size: object.size,
        etag: object.etag.clone(),
        has_md5_etag: object.has_md5_etag,
        checksum: checksum(looked),
        version_id: object.version_id.clone(),
        mark: None,
        headers: headers.clone(),
    }
}

fn not_found() -> Problem {
    Problem::new(ErrorCode::ObjectNotFound, "there is no object with this key").with_field("from.key")
}

fn changed() -> Problem {
    let why = "the object changed while it was copied; look at it again";
    Problem::new(ErrorCode::ObjectChanged, why).with_field("from.key")
}

/// Blames the fields of the request in the place of those of the file that the target was asked about.
fn in_request(problem: Problem, request: &CreateCopy) -> Problem {
    let field = match problem.field.as_deref() {
        Some("to.size") => "from.key",
        Some("to.type") => "type",
        Some("to.name") if request.to.key.is_some() => "to.key",
        None if problem.code == ErrorCode::ObjectExists && request.to.key.is_some() => "to.key",
        None if problem.code == ErrorCode::ObjectExists => "to.name",
        _ => return problem,
    };
    problem.with_field(field)
}
