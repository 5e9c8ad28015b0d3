//! Copies: an object that the caller may copy, and an upload that its destination accepts.
//!
//! It knows what is there and what is uploaded, which know nothing of each other.

use std::sync::Arc;

use partway_shared::error::Problem;
use partway_shared::wire::{CreateCopy, CreatedCopy};

use crate::caller::Caller;
use crate::objects::{Objects, Source, outcome};
use crate::uploads::Uploads;

/// The operation, and what it needs.
pub struct Copies {
    /// What is there.
    pub objects: Arc<Objects>,
    /// What is uploaded.
    pub uploads: Arc<Uploads>,
}

impl Copies {
    /// Copies a small object, or begins the copy of a large one.
    ///
    /// # Errors
    /// When the caller may not copy the object, its place does not accept it, or the store cannot copy it.
    pub async fn create(&self, caller: &Caller, request: &CreateCopy) -> Result<CreatedCopy, Problem> {
        let Source { destination, looked } = self.objects.source(caller, request).await?;
        let copied = self.uploads.copy(caller, request, destination, &looked).await;
        destination.metrics.objects("copy", outcome(&copied), 1);
        copied
    }
}
