//! Completing several uploads in one request: each as if it were alone.

use futures_util::stream::{self, StreamExt};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::MAX_UPLOADS_PER_COMPLETE;
use partway_shared::wire::{
    CompleteUpload, CompleteUploads, CompletedUpload, CompletedUploads, Completion, UploadToComplete,
};

use crate::identity::Caller;

use super::{Uploads, all_failed_alike};

/// Uploads being completed at once, for one request.
const CONCURRENCY: usize = 16;

impl Uploads {
    /// Completes uploads: one result for each, in their order. Doing it twice gives the same answer.
    ///
    /// # Errors
    /// When the request as a whole cannot be used, or the store could not complete a single one.
    pub async fn complete_many(
        &self,
        caller: &Caller,
        request: CompleteUploads,
    ) -> Result<CompletedUploads, Problem> {
        let uploads = request.uploads;
        if uploads.is_empty() || uploads.len() > MAX_UPLOADS_PER_COMPLETE {
            let why =
                format!("one request takes 1 to {MAX_UPLOADS_PER_COMPLETE} uploads, not {}", uploads.len());
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field("uploads"));
        }
        let results: Vec<_> = stream::iter(uploads.into_iter().enumerate())
            .map(|(index, upload)| self.complete_one(caller, index, upload))
            .buffered(CONCURRENCY)
            .collect()
            .await;
        if let Some(problem) = all_failed_alike(&results) {
            return Err(problem);
        }
        let uploads = results.into_iter().map(|result| match result {
            Ok(completed) => Completion::Completed(Box::new(completed)),
            Err(problem) => Completion::Refused(problem),
        });
        Ok(CompletedUploads { uploads: uploads.collect() })
    }

    async fn complete_one(
        &self,
        caller: &Caller,
        index: usize,
        upload: UploadToComplete,
    ) -> Result<CompletedUpload, Problem> {
        let UploadToComplete { token, parts, checksum } = upload;
        let completed = self.complete(caller, &token, &CompleteUpload { parts, checksum }).await;
        completed.map_err(|mut problem| {
            problem.field = problem.field.map(|field| format!("uploads[{index}].{field}"));
            problem
        })
    }
}
