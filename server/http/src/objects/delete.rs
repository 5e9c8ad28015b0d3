//! Deletes objects, up to 1,000 at a time.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use partway_s3::store::{KeyVersion, StoreError};
use partway_shared::error::Problem;
use partway_shared::limits::MAX_OBJECTS_PER_DELETE;
use partway_shared::wire::{
    DeleteObjects, DeletedObject, DeletedObjects, ObjectDeletion, ObjectToDelete, Operation,
};

use crate::batch::{all_failed_alike, together};
use crate::caller::Caller;
use crate::destinations::Destination;

use super::access::{Named, Reached};
use super::look::in_field;
use super::{Objects, check_count, failed, outcome};

/// The most objects with an ETag that are deleted at a time: each is a call.
const CONCURRENCY: usize = 16;

impl Objects {
    /// Deletes objects. Deleting one that does not exist succeeds, as it does in S3.
    ///
    /// # Errors
    /// When the request itself is not valid, or the store could not delete anything.
    pub async fn delete(&self, caller: &Caller, request: &DeleteObjects) -> Result<DeletedObjects, Problem> {
        check_count(request.objects.len(), MAX_OBJECTS_PER_DELETE, "delete")?;
        let named = request.objects.iter().map(|object| Named {
            destination: object.destination.as_deref(),
            key: &object.key,
            version_id: object.version_id.as_deref(),
        });
        let reached = self.reach(caller, Operation::Delete, named).await?;
        let deleted = delete(reached, &request.objects).await;
        if let Some(problem) = all_failed_alike(&deleted) {
            return Err(problem);
        }
        let results = deleted.into_iter().zip(&request.objects).enumerate();
        let objects = results.map(|(index, (result, object))| match result {
            Ok(()) => ObjectDeletion::Deleted(DeletedObject { key: object.key.clone() }),
            Err(problem) => ObjectDeletion::Refused(in_field(problem, index)),
        });
        Ok(DeletedObjects { objects: objects.collect() })
    }
}

/// An object that may be deleted, and its place in the request.
struct Deletion<'a> {
    index: usize,
    destination: &'a Destination,
    object: KeyVersion,
}

impl Deletion<'_> {
    /// Returns what a client is told.
    fn told(&self, result: Result<(), StoreError>) -> Result<(), Problem> {
        let Self { destination, object, .. } = self;
        let told = match result {
            Ok(()) | Err(StoreError::NoSuchUpload) => Ok(()),
            Err(error) => Err(failed(destination, &object.key, "deleting an object", error)),
        };
        destination.metrics.objects("delete", outcome(&told), 1);
        if told.is_ok() {
            tracing::info!(destination = destination.name, object.key = object.key, "object deleted");
        }
        told
    }
}

/// Deletes what was reached: in one call for each destination, but for objects that must have a certain ETag.
async fn delete(
    reached: Vec<Result<Reached<'_>, Problem>>,
    objects: &[ObjectToDelete],
) -> Vec<Result<(), Problem>> {
    let mut batches: BTreeMap<&str, Vec<Deletion<'_>>> = BTreeMap::new();
    let mut alone = Vec::new();
    let mut results = Vec::with_capacity(reached.len());
    for (index, (reached, asked)) in reached.into_iter().zip(objects).enumerate() {
        results.push(reached.map(|Reached { destination, key, version_id }| {
            let object = KeyVersion { key: key.to_owned(), version_id: version_id.map(str::to_owned) };
            let deletion = Deletion { index, destination, object };
            match &asked.etag {
                Some(etag) => alone.push((deletion, etag.clone())),
                None => batches.entry(&destination.name).or_default().push(deletion),
            }
        }));
    }
    let batches = join_all(batches.into_values().map(delete_together));
    let singles = alone.into_iter().map(|(deletion, etag)| async move {
        let deleted = deletion.destination.objects.delete_if(&deletion.object, &etag).await;
        (deletion.index, deletion.told(deleted))
    });
    let (batches, singles) = tokio::join!(batches, together(singles.collect(), CONCURRENCY));
    for (index, result) in batches.into_iter().flatten().chain(singles) {
        if let Some(place) = results.get_mut(index) {
            *place = result;
        }
    }
    results
}

/// Deletes objects of one destination in one call.
async fn delete_together(deletions: Vec<Deletion<'_>>) -> Vec<(usize, Result<(), Problem>)> {
    let objects: Vec<_> = deletions.iter().map(|deletion| deletion.object.clone()).collect();
    let Some(first) = deletions.first() else { return Vec::new() };
    let deleted = match first.destination.objects.delete_many(&objects).await {
        Ok(deleted) => deleted,
        Err(error) => vec![Err(error); objects.len()],
    };
    deletions.iter().zip(deleted).map(|(deletion, result)| (deletion.index, deletion.told(result))).collect()
}
