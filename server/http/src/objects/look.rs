//! Looks at objects, up to 100 at a time.

use partway_s3::store::Looked;
use partway_shared::error::Problem;
use partway_shared::limits::MAX_OBJECTS_PER_LOOK;
use partway_shared::wire::{LookAtObjects, LookedAtObjects, ObjectLook, Operation};

use crate::batch::{all_failed_alike, together};
use crate::caller::Caller;

use super::access::{Named, Place, Reached};
use super::{Objects, check_count, failed, not_found, outcome};

/// The most objects of one request that are looked at together.
pub(super) const CONCURRENCY: usize = 32;

impl Objects {
    /// Returns what the store says of each object.
    ///
    /// # Errors
    /// When the request itself is not valid, or the store could not answer at all.
    pub async fn look(&self, caller: &Caller, request: &LookAtObjects) -> Result<LookedAtObjects, Problem> {
        check_count(request.objects.len(), MAX_OBJECTS_PER_LOOK, "look at")?;
        let named = request.objects.iter().map(|object| Named {
            destination: object.destination.as_deref(),
            key: &object.key,
            version_id: object.version_id.as_deref(),
        });
        let reached = self.reach(caller, Operation::Get, named).await?;
        let looks = reached.into_iter().map(|reached| async move {
            let reached = reached?;
            let looked = reached.look().await;
            reached.destination.metrics.objects("look", outcome(&looked), 1);
            looked
        });
        let looked = together(looks.collect(), CONCURRENCY).await;
        if let Some(problem) = all_failed_alike(&looked) {
            return Err(problem);
        }
        let objects = looked.into_iter().enumerate().map(|(index, looked)| match looked {
            Ok(looked) => ObjectLook::Found(Box::new(looked.object)),
            Err(problem) => ObjectLook::Refused(in_field(problem, index)),
        });
        Ok(LookedAtObjects { objects: objects.collect() })
    }
}

/// Blames an object's key for a problem that blames nothing yet.
pub(super) fn in_field(problem: Problem, index: usize) -> Problem {
    if problem.field.is_some() { problem } else { problem.with_field(Place::At(index).field("key")) }
}

impl Reached<'_> {
    /// Returns the object as the store describes it.
    pub(super) async fn look(&self) -> Result<Looked, Problem> {
        let looked = self.destination.objects.look(self.key, self.version_id).await;
        let looked =
            looked.map_err(|error| failed(self.destination, self.key, "looking at an object", error));
        looked?.ok_or_else(not_found)
    }
}
