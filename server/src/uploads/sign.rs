//! Signing: URLs for a window of parts.

use std::collections::BTreeSet;

use partway_shared::checksum::{ChecksumKind, Crc64Nvme};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::MAX_PARTS_PER_SIGN;
use partway_shared::part::{ByteRange, PartNumber};
use partway_shared::plan::Plan;
use partway_shared::wire::{SignParts, SignedParts, SignedPut};

use crate::identity::Subject;
use crate::signing::{Presigner, PutTerms};
use crate::token::UploadClaims;

use super::Uploads;

impl Uploads {
    /// Signed URLs for these parts, in their order.
    ///
    /// # Errors
    /// When the token is not good, or a part is not of the plan, given twice, or lacks its checksum.
    pub async fn sign(
        &self,
        subject: &Subject,
        token: &str,
        request: &SignParts,
    ) -> Result<SignedParts, Problem> {
        let claims = self.claims(subject, token)?;
        let plan = claims.plan()?;
        let parts = check(&claims, &plan, request)?;
        let presigner = self.presigner().await?;
        Ok(SignedParts { parts: sign(&presigner, &claims, &plan, &parts) })
    }
}

fn check(
    claims: &UploadClaims,
    plan: &Plan,
    request: &SignParts,
) -> Result<Vec<(PartNumber, Option<Crc64Nvme>)>, Problem> {
    if request.parts.is_empty() || request.parts.len() > MAX_PARTS_PER_SIGN {
        let why = format!("one request takes 1 to {MAX_PARTS_PER_SIGN} parts, not {}", request.parts.len());
        return Err(Problem::new(ErrorCode::InvalidField, why).with_field("parts"));
    }
    let mut seen = BTreeSet::new();
    let checked = request.parts.iter().enumerate().map(|(index, part)| {
        let field = |name: &str| format!("parts[{index}].{name}");
        if plan.range(part.part_number).is_none() {
            let why = format!("the upload has {} parts, and no part {}", plan.part_count(), part.part_number);
            return Err(Problem::new(ErrorCode::PartOutOfPlan, why).with_field(field("part_number")));
        }
        if !seen.insert(part.part_number) {
            let why = format!("part {} is given twice", part.part_number);
            return Err(Problem::new(ErrorCode::PartDuplicate, why).with_field(field("part_number")));
        }
        if claims.checksum == ChecksumKind::Crc64Nvme && part.checksum.is_none() {
            let why = "this upload needs each part's CRC64NVME";
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field(field("checksum")));
        }
        Ok((part.part_number, part.checksum.filter(|_| claims.checksum == ChecksumKind::Crc64Nvme)))
    });
    checked.collect()
}

/// Signs parts that are known to be of the plan.
pub(super) fn sign(
    presigner: &Presigner<'_>,
    claims: &UploadClaims,
    plan: &Plan,
    parts: &[(PartNumber, Option<Crc64Nvme>)],
) -> Vec<SignedPut> {
    let expires_in = presigner.expires_in();
    let Some(upload_id) = &claims.upload_id else {
        let whole = parts.iter().map(|&(part_number, checksum)| {
            let terms = PutTerms {
                content_length: claims.size,
                content_type: Some(&claims.content_type),
                content_disposition: claims.content_disposition.as_deref(),
                checksum,
            };
            let (url, headers) = presigner.put(&claims.key, &terms);
            SignedPut { part_number, url, headers, expires_in }
        });
        return whole.collect();
    };
    let with_checksum = claims.checksum == ChecksumKind::Crc64Nvme;
    let template = presigner.parts(&claims.key, upload_id, with_checksum);
    let signed = parts.iter().map(|&(part_number, checksum)| SignedPut {
        part_number,
        url: template.sign(part_number, plan.range(part_number).map_or(0, ByteRange::len), checksum),
        headers: template.headers(checksum),
        expires_in,
    });
    signed.collect()
}
