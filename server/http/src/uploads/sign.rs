//! Signs URLs for a window of parts.

use std::collections::BTreeSet;
use std::time::Instant;

use partway_s3::signing::{CopiedObject, Presigner};
use partway_shared::checksum::{Checksum, ChecksumKind};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::{MAX_PARTS, MAX_PARTS_PER_SIGN};
use partway_shared::part::{ByteRange, PartNumber};
use partway_shared::plan::{PartSizes, Plan, PlanLimits, Strategy};
use partway_shared::wire::{SignParts, SignedParts, SignedPut};

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::token::{SourceClaims, UploadClaims};

use super::single::{key_to_send_to, put_terms};
use super::{Uploads, head};

impl Uploads {
    /// Returns signed URLs for these parts, in order.
    ///
    /// # Errors
    /// When the token is not valid, or a part is not in the plan, given twice, or lacks its checksum.
    pub async fn sign(&self, caller: &Caller, request: &SignParts) -> Result<SignedParts, Problem> {
        let (mut claims, destination) = self.claims(caller, &request.token)?;
        let token = match &request.strategy {
            None => None,
            Some(strategy) => {
                recut(destination, &mut claims, strategy)?;
                Some(self.tokens.issue(&claims)?)
            }
        };
        let plan = claims.plan()?;
        let parts = check(&claims, &plan, request)?;
        // The store has closed an upload in parts; a file that is sent as a whole has to be looked for.
        if claims.upload_id.is_none() && head(destination, &claims).await?.is_some() {
            return Err(Problem::new(
                ErrorCode::AlreadyCompleted,
                "its object is there, and is not sent again",
            ));
        }
        if let Some(source) = &claims.source {
            self.check_source(caller, source)?;
        }
        let presigner = destination.presigner().await?;
        let begun = Instant::now();
        let signed = sign(&presigner, destination, &claims, &plan, &parts);
        destination.metrics.signed(signed.len(), begun);
        Ok(SignedParts { parts: signed, token })
    }
}

/// Returns whether the rest of an upload's file may be cut otherwise while it is on its way.
///
/// Where only MD5s are verified, an object in equal parts can be verified by its ETag when it is downloaded.
pub(super) fn may_recut(destination: &Destination, claims: &UploadClaims) -> bool {
    claims.size.is_some()
        && claims.checksum != ChecksumKind::Md5
        && claims.source.is_none()
        && claims.upload_id.is_some()
        && destination.verification.part_sizes() == PartSizes::Any
}

/// Cuts the file otherwise. What is stored by the plan before is compared with this one when the upload is completed.
fn recut(destination: &Destination, claims: &mut UploadClaims, strategy: &Strategy) -> Result<(), Problem> {
    let refuse = |why: String| Err(Problem::new(ErrorCode::InvalidField, why).with_field("strategy"));
    if !may_recut(destination, claims) {
        return refuse("the upload's parts stay as they are: the grant's may_recut is false".to_owned());
    }
    let Strategy::Multipart { steps } = strategy else {
        return refuse("an upload in parts stays one".to_owned());
    };
    let PlanLimits { min_part_size: min, max_part_size: max, .. } = destination.policy.plan;
    if let Some(step) = steps.as_slice().iter().find(|step| !(min..=max).contains(&step.part_size)) {
        return refuse(format!("a part may have {min} to {max} bytes, not {}", step.part_size));
    }
    if Plan::from_strategy(claims.size, strategy.clone()).is_none() {
        return refuse(format!("the file does not fit into {MAX_PARTS} parts of these sizes"));
    }
    claims.strategy = strategy.clone();
    Ok(())
}

/// A part that may be signed.
pub(super) struct PartToSend {
    pub(super) number: PartNumber,
    /// The size in bytes.
    pub(super) size: u64,
    pub(super) checksum: Option<Checksum>,
}

impl PartToSend {
    /// A part as long as the plan has it.
    pub(super) fn whole(plan: &Plan, number: PartNumber, checksum: Option<Checksum>) -> Self {
        Self { number, size: plan.range(number).map_or(0, ByteRange::len), checksum }
    }
}

fn check(claims: &UploadClaims, plan: &Plan, request: &SignParts) -> Result<Vec<PartToSend>, Problem> {
    if request.parts.is_empty() || request.parts.len() > MAX_PARTS_PER_SIGN {
        let why = format!("a request may sign 1 to {MAX_PARTS_PER_SIGN} parts, not {}", request.parts.len());
        return Err(Problem::new(ErrorCode::InvalidField, why).with_field("parts"));
    }
    let mut seen = BTreeSet::new();
    let checked = request.parts.iter().enumerate().map(|(index, part)| {
        let field = |name: &str| format!("parts[{index}].{name}");
        let Some(range) = plan.range(part.part_number) else {
            let why = format!("the upload has {} parts, and no part {}", plan.part_count(), part.part_number);
            return Err(Problem::new(ErrorCode::PartOutOfPlan, why).with_field(field("part_number")));
        };
        let size = part.size.unwrap_or(range.len());
        let is_end = claims.size.is_none() && (1..range.len()).contains(&size);
        if size != range.len() && !is_end {
            let why = format!("part {} has {} bytes in the plan, not {size}", part.part_number, range.len());
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field(field("size")));
        }
        claims.check_size(range.start + size).map_err(|problem| problem.with_field(field("part_number")))?;
        if !seen.insert(part.part_number) {
            let why = format!("part {} is given twice", part.part_number);
            return Err(Problem::new(ErrorCode::PartDuplicate, why).with_field(field("part_number")));
        }
        let why = match claims.part_checksum() {
            ChecksumKind::Crc64Nvme => "this upload needs each part's CRC64NVME",
            ChecksumKind::Md5 => "this upload needs each part's MD5",
            ChecksumKind::None => return Ok(PartToSend { number: part.part_number, size, checksum: None }),
        };
        match part.checksum.filter(|checksum| checksum.kind() == claims.checksum) {
            Some(checksum) => Ok(PartToSend { number: part.part_number, size, checksum: Some(checksum) }),
            None => Err(Problem::new(ErrorCode::InvalidField, why).with_field(field("checksum"))),
        }
    });
    checked.collect()
}

/// Signs parts that are known to be in the plan.
pub(super) fn sign(
    presigner: &Presigner<'_>,
    destination: &Destination,
    claims: &UploadClaims,
    plan: &Plan,
    parts: &[PartToSend],
) -> Vec<SignedPut> {
    let expires_in = presigner.expires_in();
    let Some(upload_id) = &claims.upload_id else {
        let key = key_to_send_to(destination, claims);
        let signed = parts.iter().map(|&PartToSend { number: part_number, checksum, .. }| {
            let (url, headers) = presigner.put(&key, &put_terms(destination, claims, checksum));
            SignedPut { part_number, url, headers, form: None, expires_in }
        });
        return signed.collect();
    };
    if let Some(source) = &claims.source {
        let SourceClaims { bucket, key, version_id, etag, .. } = source;
        let object = CopiedObject { bucket, key, version_id: version_id.as_deref(), etag };
        let template = presigner.copies(&claims.key, upload_id, &object);
        let signed = parts.iter().filter_map(|&PartToSend { number: part_number, .. }| {
            let (url, headers) = template.sign(part_number, plan.range(part_number)?);
            Some(SignedPut { part_number, url, headers, form: None, expires_in })
        });
        return signed.collect();
    }
    let template = presigner.parts(&claims.key, upload_id, claims.checksum);
    let signed = parts.iter().map(|&PartToSend { number: part_number, size, checksum }| SignedPut {
        part_number,
        url: template.sign(part_number, size, checksum),
        headers: template.headers(checksum),
        form: None,
        expires_in,
    });
    signed.collect()
}
