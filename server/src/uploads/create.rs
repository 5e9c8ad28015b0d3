//! Creating: many files at once, each accepted with its first URLs or refused with a reason.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::stream::{self, StreamExt};
use partway_shared::checksum::{Checksum, ChecksumKind};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::{MAX_FILES_PER_CREATE, MAX_PARTS_PER_SIGN};
use partway_shared::part::PartNumber;
use partway_shared::plan::{Plan, PlanLimits};
use partway_shared::wire::{CreateUploads, CreatedUpload, CreatedUploads, Grant, NewUpload, SignedPut};
use uuid::Uuid;

use crate::identity::Subject;
use crate::policy::{content_disposition, content_type, object_key};
use crate::signing::{Presigner, SignedForm};
use crate::store::{NewObject, StoreError};
use crate::token::UploadClaims;

use super::sign::put_terms;
use super::{Uploads, all_failed_alike, log};

/// Multipart uploads being created at the store at once, for one request.
const CONCURRENCY: usize = 16;
/// URLs that come along where nothing has to be hashed first.
const FIRST_WINDOW: usize = 16;

impl Uploads {
    /// Creates uploads: one result for each file, in their order.
    ///
    /// # Errors
    /// When the request as a whole cannot be used, or the store could not create a single one.
    pub async fn create(
        &self,
        subject: &Subject,
        request: &CreateUploads,
    ) -> Result<CreatedUploads, Problem> {
        if request.files.is_empty() || request.files.len() > MAX_FILES_PER_CREATE {
            let why =
                format!("one request takes 1 to {MAX_FILES_PER_CREATE} files, not {}", request.files.len());
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field("files"));
        }
        let checksum = self.verification.kind()?;
        let presigner = self.presigner().await?;
        let uploads: Vec<_> = stream::iter(request.files.iter().enumerate())
            .map(|(index, file)| self.create_one(subject, &presigner, checksum, index, file))
            .buffered(CONCURRENCY)
            .collect()
            .await;
        // A store that is away refuses all files alike; said once, with its status, it is tried again.
        if let Some(problem) = all_failed_alike(&uploads) {
            return Err(problem);
        }
        let uploads = uploads.into_iter().map(|result| match result {
            Ok(grant) => CreatedUpload::Accepted(Box::new(grant)),
            Err(problem) => CreatedUpload::Refused(problem),
        });
        Ok(CreatedUploads { uploads: uploads.collect() })
    }

    async fn create_one(
        &self,
        subject: &Subject,
        presigner: &Presigner<'_>,
        checksum: ChecksumKind,
        index: usize,
        file: &NewUpload,
    ) -> Result<Grant, Problem> {
        let plan = self.policy.plan(file, &format!("files[{index}]"))?;
        if file.checksums.len() > MAX_PARTS_PER_SIGN {
            let why = format!("at most {MAX_PARTS_PER_SIGN} checksums come along");
            return Err(
                Problem::new(ErrorCode::InvalidField, why).with_field(format!("files[{index}].checksums"))
            );
        }
        let expires = SystemTime::now() + self.token_lifetime;
        let content_type = content_type(file);
        let mut claims = UploadClaims {
            subject: subject.0.clone(),
            bucket: self.bucket.clone(),
            key: object_key(&self.policy.key_prefix, Uuid::new_v4(), &file.name),
            upload_id: None,
            size: file.size,
            strategy: plan.strategy(),
            checksum,
            content_type: content_type.to_owned(),
            content_disposition: content_disposition(content_type, &file.name),
            expires_at: expires.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        };
        if plan.is_multipart() {
            claims.upload_id = Some(self.begin(&claims).await?);
        }
        tracing::info!(
            upload.id = claims.upload_id,
            upload.key = claims.key,
            size_bytes = claims.size,
            parts = plan.part_count(),
            "upload created"
        );
        let numbers = plan.part_numbers();
        let parts: Vec<_> = match checksum {
            ChecksumKind::None => numbers.take(FIRST_WINDOW).map(|number| (number, None)).collect(),
            kind if is_planned_alike(&plan, file, kind) => {
                numbers.zip(file.checksums.iter().copied().map(Some)).collect()
            }
            ChecksumKind::Crc64Nvme | ChecksumKind::Md5 => Vec::new(),
        };
        Ok(Grant {
            token: self.tokens.issue(&claims),
            expires_in: self.token_lifetime.as_secs(),
            strategy: plan.strategy(),
            checksum,
            hosts: self.hosts.count(),
            parts: match self.form(presigner, &claims, &parts) {
                Some(form) => vec![form],
                None => super::sign::sign(presigner, &claims, &plan, &parts),
            },
            key: claims.key,
        })
    }

    /// The whole file as a form, if it is small enough and the store takes forms.
    ///
    /// Only here: a client whose form failed signs again, and gets a PUT.
    fn form(
        &self,
        presigner: &Presigner<'_>,
        claims: &UploadClaims,
        parts: &[(PartNumber, Option<Checksum>)],
    ) -> Option<SignedPut> {
        let &[(part_number, checksum)] = parts else { return None };
        if claims.upload_id.is_some() || claims.size > self.form_max? {
            return None;
        }
        let SignedForm { url, fields } = presigner.form(&claims.key, &put_terms(claims, checksum))?;
        let expires_in = presigner.expires_in();
        Some(SignedPut { part_number, url, headers: BTreeMap::new(), form: Some(fields), expires_in })
    }

    async fn begin(&self, claims: &UploadClaims) -> Result<String, StoreError> {
        let object = NewObject {
            key: &claims.key,
            content_type: &claims.content_type,
            content_disposition: claims.content_disposition.as_deref(),
            checksum: claims.checksum,
        };
        self.store.create_upload(object).await.inspect_err(log(claims, "creating an upload"))
    }
}

/// Whether the checksums that came along are of this kind, and of parts as the server cuts them.
///
/// A client begins with the kind that most stores verify, and with the default limits; the answer tells it
/// which they are here. A checksum of other bytes would cost a refused PUT, so it is left out.
fn is_planned_alike(plan: &Plan, file: &NewUpload, kind: ChecksumKind) -> bool {
    file.checksums.iter().all(|checksum| checksum.kind() == kind)
        && Plan::new(file.size, file.part_size, &PlanLimits::default()) == Ok(*plan)
}
