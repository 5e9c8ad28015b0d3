//! The object of a copy, and whether the caller may copy it: from where it is, and to the key that the request names.

use partway_s3::store::Looked;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::wire::{CreateCopy, Operation};

use crate::caller::Caller;
use crate::destinations::Destination;

use super::access::{Named, Place};
use super::{Objects, archived};

/// An object that the caller may copy, as it was looked at.
pub(crate) struct Source<'a> {
    pub(crate) destination: &'a Destination,
    pub(crate) looked: Looked,
}

impl Objects {
    /// Returns the object of a copy. A key for the copy has to be the caller's as well: naming it takes the same permission.
    pub(crate) async fn source<'a>(
        &'a self,
        caller: &Caller,
        request: &'a CreateCopy,
    ) -> Result<Source<'a>, Problem> {
        let (from, to) = (&request.from, &request.to);
        if to.name.is_some() && to.key.is_some() {
            let why = "a copy has a name, of which its key is made, or a key; give one of them";
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field("to.name"));
        }
        let source = Named {
            destination: from.destination.as_deref(),
            key: &from.key,
            version_id: from.version_id.as_deref(),
        };
        let mut reached = vec![self.reach_one(caller, Operation::Copy, source, Place::In("from"))];
        if let Some(key) = &to.key {
            let target = Named { destination: to.destination.as_deref(), key, version_id: None };
            let target = self.reach_one(caller, Operation::Copy, target, Place::In("to"))?;
            let policy = &target.destination.policy;
            let checked = policy.check_decided_key(key);
            checked.map_err(|why| Problem::new(ErrorCode::InvalidField, why).with_field("to.key"))?;
            reached.push(Ok(target));
        }
        // What the rules refuse is not asked about.
        if reached.iter().all(Result::is_ok) {
            self.consent(caller, Operation::Copy, &mut reached).await?;
        }
        let mut source = None;
        for (reached, field) in reached.into_iter().zip(["from.key", "to.key"]) {
            let reached = reached.map_err(|problem| blame(problem, field))?;
            source.get_or_insert(reached);
        }
        let Some(source) = source else { return Err(super::not_found()) };
        let looked = source.look().await.map_err(|problem| blame(problem, "from.key"))?;
        if looked.is_archived {
            return Err(archived().with_field("from.key"));
        }
        if from.etag.as_ref().is_some_and(|etag| *etag != looked.object.etag) {
            let why = "the object has another ETag now; look at it again";
            return Err(Problem::new(ErrorCode::ObjectChanged, why).with_field("from.etag"));
        }
        Ok(Source { destination: source.destination, looked })
    }
}

/// Blames a field for a problem that blames nothing yet.
fn blame(problem: Problem, field: &str) -> Problem {
    if problem.field.is_some() { problem } else { problem.with_field(field) }
}
