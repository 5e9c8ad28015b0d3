//! Creates uploads: many files per request, each accepted with its first URLs, or refused with a reason.

use std::collections::BTreeMap;
use std::time::Instant;

use partway_s3::signing::{Presigner, SignedForm};
use partway_s3::store::StoreError;
use partway_shared::checksum::ChecksumKind;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::MAX_FILES_PER_CREATE;
use partway_shared::plan::{PartSizes, Plan, PlanLimits};
use partway_shared::wire::{CreateUploads, CreatedUpload, CreatedUploads, Grant, NewUpload, SignedPut};

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::metrics::UploadOutcome;
use crate::token::UploadClaims;

use super::proposal::Proposal;
use super::sign::{PartToSend, may_recut};
use super::single::{key_to_send_to, put_terms};
use crate::batch::{all_failed_alike, together};

use super::{Uploads, log, new_object, upload_ref};

/// The most multipart uploads of one request that are created at a time.
const CONCURRENCY: usize = 16;
/// The most URLs in the answer for files whose parts need no checksum.
const FIRST_WINDOW: usize = 16;

impl Uploads {
    /// Creates uploads. Returns one result for each file, in order.
    ///
    /// # Errors
    /// When the request itself is not valid, or the store could not create any upload.
    pub async fn create(&self, caller: &Caller, request: &CreateUploads) -> Result<CreatedUploads, Problem> {
        if request.files.is_empty() || request.files.len() > MAX_FILES_PER_CREATE {
            let why = format!(
                "a request may create 1 to {MAX_FILES_PER_CREATE} uploads, not {}",
                request.files.len()
            );
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field("files"));
        }
        let proposals = self.propose(caller, &request.files).await?;
        let begun = proposals.into_iter().map(async |proposal| self.begin(caller, proposal?).await);
        let uploads = together(begun.collect(), CONCURRENCY).await;
        for (file, result) in request.files.iter().zip(&uploads) {
            // A name that no destination has is counted nowhere: names of clients are no labels.
            let Ok(destination) = self.destinations.find(file.destination.as_deref(), caller) else {
                continue;
            };
            let outcome = if result.is_ok() { UploadOutcome::created } else { UploadOutcome::refused };
            destination.metrics.upload(outcome);
        }
        // A store that is away refuses all files alike; said once, with its status, it is tried again.
        if let Some(problem) = all_failed_alike(&uploads) {
            return Err(problem);
        }
        let uploads = uploads.into_iter().map(|result| match result {
            Ok(grant) => CreatedUpload::Accepted(Box::new(grant)),
            Err(problem) => CreatedUpload::Refused(problem),
        });
        Ok(CreatedUploads { owner: self.owner(caller), uploads: uploads.collect() })
    }

    /// Creates the proposed upload at the store, if quotas allow it.
    pub(super) async fn begin(&self, caller: &Caller, mut proposal: Proposal<'_>) -> Result<Grant, Problem> {
        let reservation = self.reserve_quota(caller, &proposal).await?;
        let granted = self.grant(&mut proposal).await;
        if granted.is_err() {
            if let Some(upload) = upload_ref(&proposal.claims) {
                // Nobody has its token. What cannot be aborted now is swept.
                let _ = proposal.destination.store.abort_upload(upload).await;
            }
            self.release_quota(caller, &proposal, reservation).await;
        }
        granted
    }

    async fn grant(&self, proposal: &mut Proposal<'_>) -> Result<Grant, Problem> {
        let presigner = proposal.destination.presigner().await?;
        if proposal.plan.is_multipart() {
            proposal.claims.upload_id = Some(create_upload(proposal).await?);
        }
        let Proposal { file, destination, plan, claims, lifetime, .. } = proposal;
        tracing::info!(
            upload.id = claims.upload_id,
            upload.key = claims.key,
            size_bytes = claims.size,
            parts = plan.size().map(|_| plan.part_count()),
            destination = claims.destination,
            "upload created"
        );
        let numbers = plan.part_numbers();
        let whole = |(number, checksum)| PartToSend::whole(plan, number, checksum);
        let parts: Vec<_> = match claims.part_checksum() {
            // Any part of a stream may be its last, and shorter.
            ChecksumKind::None if plan.size().is_none() => Vec::new(),
            ChecksumKind::None => numbers.take(FIRST_WINDOW).map(|number| whole((number, None))).collect(),
            kind if is_planned_alike(plan, file, kind) => {
                numbers.zip(file.checksums.iter().copied().map(Some)).map(whole).collect()
            }
            ChecksumKind::Crc64Nvme | ChecksumKind::Md5 => Vec::new(),
        };
        let begun = Instant::now();
        if !plan.is_multipart() {
            claims.staged =
                wants_form(destination, claims, &parts) || !self.can_be_direct(destination, claims);
        }
        let signed = match form(&presigner, destination, claims, &parts) {
            Some(form) => vec![form],
            None => super::sign::sign(&presigner, destination, claims, plan, &parts),
        };
        destination.metrics.signed(signed.len(), begun);
        Ok(Grant {
            token: self.tokens.issue(claims)?,
            size: claims.size,
            expires_in: lifetime.as_secs(),
            strategy: plan.strategy().clone(),
            may_recut: may_recut(destination, claims),
            checksum: claims.part_checksum(),
            hosts: destination.bucket.public_hosts.count(),
            parts: signed,
            key: claims.key.clone(),
        })
    }
}

/// Returns whether the file is sent as a form: it is small enough, its checksum is known, and the store supports
/// forms.
fn wants_form(destination: &Destination, claims: &UploadClaims, parts: &[PartToSend]) -> bool {
    parts.len() == 1 && destination.form_max().is_some_and(|max| claims.bytes() <= max)
}

/// Returns a form for the file. No condition keeps a form from replacing an object, so the file is staged.
///
/// Only creating gives forms: a client whose form failed signs again, and gets a PUT.
fn form(
    presigner: &Presigner<'_>,
    destination: &Destination,
    claims: &UploadClaims,
    parts: &[PartToSend],
) -> Option<SignedPut> {
    let &[PartToSend { number: part_number, checksum, .. }] = parts else { return None };
    if claims.upload_id.is_some() || !wants_form(destination, claims, parts) {
        return None;
    }
    let key = key_to_send_to(destination, claims);
    let SignedForm { url, fields } = presigner.form(&key, &put_terms(destination, claims, checksum))?;
    let expires_in = presigner.expires_in();
    Some(SignedPut { part_number, url, headers: BTreeMap::new(), form: Some(fields), expires_in })
}

async fn create_upload(proposal: &Proposal<'_>) -> Result<String, StoreError> {
    let Proposal { destination, claims, .. } = proposal;
    let attributes = proposal.attributes();
    let created = destination.store.create_upload(new_object(claims, &attributes)).await;
    created.inspect_err(log(claims, "creating an upload"))
}

/// Returns whether the checksums in the request are of this kind, and of parts as the server plans them.
///
/// A client starts with the kind that most stores verify, and with the default part sizes; the answer gives those of
/// this server. A checksum of other bytes would cost a refused PUT, so it is left out.
fn is_planned_alike(plan: &Plan, file: &NewUpload, kind: ChecksumKind) -> bool {
    let limits = PlanLimits::default();
    let planned = match file.size {
        Some(size) => Plan::new(size, file.part_size, &limits).ok(),
        None => Some(Plan::of_unknown_size(file.part_size, PartSizes::Any, &limits)),
    };
    planned.as_ref() == Some(plan) && file.checksums.iter().all(|checksum| checksum.kind() == kind)
}
