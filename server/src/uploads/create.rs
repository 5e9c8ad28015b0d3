//! Creating: many files at once, each accepted with its first URLs or refused with a reason.

use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::stream::{self, StreamExt};
use partway_shared::checksum::ChecksumKind;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::{MAX_FILES_PER_CREATE, MAX_PARTS_PER_SIGN};
use partway_shared::plan::{Plan, PlanLimits};
use partway_shared::wire::{CreateUploads, CreatedUpload, CreatedUploads, Grant, NewUpload};
use uuid::Uuid;

use crate::identity::Subject;
use crate::policy::{content_disposition, content_type, object_key};
use crate::signing::Presigner;
use crate::store::{NewObject, StoreError};
use crate::token::UploadClaims;

use super::{Uploads, log};

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
        let presigner = self.presigner().await?;
        let uploads: Vec<_> = stream::iter(request.files.iter().enumerate())
            .map(|(index, file)| self.create_one(subject, &presigner, index, file))
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
            checksum: self.checksum,
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
        let parts = match self.checksum {
            ChecksumKind::None => numbers.take(FIRST_WINDOW).map(|number| (number, None)).collect(),
            ChecksumKind::Crc64Nvme if is_planned_alike(&plan, file) => {
                numbers.zip(file.checksums.iter().copied().map(Some)).collect()
            }
            ChecksumKind::Crc64Nvme => Vec::new(),
        };
        Ok(Grant {
            token: self.tokens.issue(&claims),
            expires_in: self.token_lifetime.as_secs(),
            strategy: plan.strategy(),
            checksum: self.checksum,
            parts: super::sign::sign(presigner, &claims, &plan, &parts),
            key: claims.key,
        })
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

/// Whether the checksums that came along are of parts as the server cuts them.
///
/// A client plans with the same arithmetic, but from the default limits where others are configured.
/// A checksum of other bytes would cost a refused PUT, so it is left out.
fn is_planned_alike(plan: &Plan, file: &NewUpload) -> bool {
    Plan::new(file.size, file.part_size, &PlanLimits::default()) == Ok(*plan)
}

fn all_failed_alike(uploads: &[Result<Grant, Problem>]) -> Option<Problem> {
    let first = uploads.first()?.as_ref().err()?;
    let alike = uploads.iter().all(|result| result.as_ref().is_err_and(|problem| problem.code == first.code));
    (alike && first.code.spec().retryable).then(|| first.clone())
}
