//! The operations on objects, behind the routes: sign, list, look, delete, and links.
//!
//! They know neither HTTP nor the SDK, and nothing of uploads. Everything begins with `access.rs`: a destination that allows the
//! operation, a key within the caller's scope, and the application's consent.

mod access;
mod answer_headers;
mod content;
mod delete;
mod link;
mod list;
mod look;
mod sign;
mod source;

use std::sync::Arc;

use partway_s3::store::StoreError;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::wire::{DestinationInfo, DestinationList, Operation};

use crate::caller::Caller;
use crate::destinations::{Destination, Destinations};
use crate::hooks::Hooks;
use crate::metrics::ObjectOutcome;
use crate::quotas::Quotas;

pub use content::{Content, ContentParams};
pub use link::{LinkMint, Links};
pub(crate) use source::Source;

/// The operations, and what they need.
pub struct Objects {
    /// The destinations.
    pub destinations: Arc<Destinations>,
    /// The application's hooks.
    pub hooks: Arc<dyn Hooks>,
    /// The quotas of subjects.
    pub quotas: Arc<Quotas>,
    /// The mint of links.
    pub links: LinkMint,
}

impl Objects {
    /// Returns what the caller may do where.
    #[must_use]
    pub fn destinations(&self, caller: &Caller) -> DestinationList {
        const ALL: [Operation; 5] =
            [Operation::Upload, Operation::Get, Operation::List, Operation::Delete, Operation::Copy];
        let (existing, default) = self.destinations.of_caller(caller);
        let destinations = existing.into_iter().map(|Destination { name, policy, .. }| {
            let (types, extensions) = (&caller.scope.types, &caller.scope.extensions);
            let max = caller.scope.max_file_size.unwrap_or(u64::MAX);
            DestinationInfo {
                name: name.clone(),
                is_default: default == Some(name.as_str()),
                allow: ALL.into_iter().filter(|&one| policy.allows(one, &caller.scope)).collect(),
                max_file_size: policy.max_file_size.min(max),
                types: types.as_ref().unwrap_or(&policy.types).clone(),
                extensions: extensions.as_ref().unwrap_or(&policy.extensions).clone(),
            }
        });
        DestinationList { destinations: destinations.collect() }
    }
}

/// Returns a request's problem with its number of objects.
fn check_count(count: usize, max: usize, verb: &str) -> Result<(), Problem> {
    if (1..=max).contains(&count) {
        return Ok(());
    }
    let why = format!("a request may {verb} 1 to {max} objects, not {count}");
    Err(Problem::new(ErrorCode::InvalidField, why).with_field("objects"))
}

/// The problem with an object that does not exist, or not for this caller: nothing tells the two apart.
fn not_found() -> Problem {
    Problem::new(ErrorCode::ObjectNotFound, "there is no object with this key")
}

/// The problem with an object that cannot be read for now.
fn archived() -> Problem {
    let why = "the object is in an archive; restore it first (S3's RestoreObject), which takes minutes to hours, and try again \
               then";
    Problem::new(ErrorCode::ObjectArchived, why)
}

/// Returns what a client is told of a store's error, which is logged with the object.
fn failed(destination: &Destination, key: &str, doing: &'static str, error: StoreError) -> Problem {
    match error {
        StoreError::NoSuchUpload => not_found(),
        StoreError::Changed | StoreError::Exists => {
            Problem::new(ErrorCode::ObjectChanged, "the object has another ETag now; look at it again")
        }
        error => {
            tracing::warn!(destination = destination.name, object.key = key, %error, "{doing} failed");
            error.into()
        }
    }
}

/// What became of the objects of one request, counted once for each destination.
#[derive(Default)]
struct Tally<'a>(Vec<(&'a Destination, ObjectOutcome, u64)>);

impl<'a> Tally<'a> {
    fn add(&mut self, destination: &'a Destination, outcome: ObjectOutcome) {
        let known =
            self.0.iter_mut().find(|(of, known, _)| std::ptr::eq(*of, destination) && *known == outcome);
        match known {
            Some((_, _, count)) => *count += 1,
            None => self.0.push((destination, outcome, 1)),
        }
    }

    fn record(&self, operation: &'static str) {
        for (destination, outcome, count) in &self.0 {
            destination.metrics.objects(operation, *outcome, *count);
        }
    }
}

/// Returns what metrics call a result.
pub(crate) fn outcome<T>(result: &Result<T, Problem>) -> ObjectOutcome {
    match result {
        Ok(_) => ObjectOutcome::done,
        Err(problem) if problem.status >= 500 => ObjectOutcome::failed,
        Err(_) => ObjectOutcome::refused,
    }
}
