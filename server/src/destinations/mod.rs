//! Where uploads may go: buckets of one or more stores, each destination with rules of its own.
//!
//! A destination that a caller may not use does not exist for it: the answer is the same as for a name that nobody has
//! configured.

mod bucket;
mod open;

use std::sync::Arc;
use std::time::Duration;

use partway_shared::error::{ErrorCode, Problem};

use crate::config::DEFAULT_DESTINATION;
use crate::excerpt::excerpt;
use crate::identity::Caller;
use crate::metrics::DestinationMetrics;
use crate::policy::{Attributes, Policy, UPLOAD_MARK};
use crate::store::Store;
use crate::token::UploadClaims;

pub use bucket::Bucket;
pub use open::{Opened, open};

/// One destination.
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub bucket: Arc<Bucket>,
    /// The calls to that bucket, each counted here.
    pub store: Arc<dyn Store>,
    /// What it takes.
    pub policy: Policy,
    /// How long an upload to it may take.
    pub token_lifetime: Duration,
    /// What is counted.
    pub metrics: DestinationMetrics,
}

impl Destination {
    /// What an upload's object has beside its bytes: what all have here, and what the upload has of its own.
    #[must_use]
    pub fn attributes(&self, claims: &UploadClaims) -> Attributes {
        let mut attributes = self.policy.attributes.clone();
        attributes.metadata.extend(claims.metadata.clone());
        attributes.tags.extend(claims.tags.clone());
        if claims.shared {
            attributes.metadata.insert(UPLOAD_MARK.to_owned(), claims.id.to_string());
        }
        // An object whose key no other upload can have is never replaced, not by its own upload either.
        attributes.keeps_existing |= !claims.shared;
        attributes
    }
}

/// All of them.
pub struct Destinations(Vec<Destination>);

impl Destinations {
    /// These.
    #[must_use]
    pub fn new(destinations: Vec<Destination>) -> Self {
        Self(destinations)
    }

    /// The destination of this name; for none the one that is called `default`, or the only one that there is.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownDestination`] when it does not exist, for this caller at least.
    pub fn find(&self, name: Option<&str>, caller: &Caller) -> Result<&Destination, Problem> {
        let unknown = |why: String| Problem::new(ErrorCode::UnknownDestination, why);
        let mut existing = self.0.iter().filter(|destination| {
            destination.policy.exists_for(&destination.name, caller.subject.as_str(), &caller.limits)
        });
        if let Some(name) = name {
            let found = existing.find(|destination| destination.name == name);
            return found.ok_or_else(|| unknown(format!("there is no destination {:?}", excerpt(name))));
        }
        let existing: Vec<_> = existing.collect();
        match &existing[..] {
            [only] => Ok(only),
            several => several
                .iter()
                .find(|destination| destination.name == DEFAULT_DESTINATION)
                .copied()
                .ok_or_else(|| unknown("the file has to name one, since none is the default".to_owned())),
        }
    }

    /// The destination that a token is for.
    ///
    /// # Errors
    /// [`ErrorCode::TokenForeign`] when it does not exist for this caller, or is elsewhere by now.
    pub fn of_token(&self, claims: &UploadClaims, caller: &Caller) -> Result<&Destination, Problem> {
        let found = self.find(Some(&claims.destination), caller).ok();
        let found = found.filter(|destination| destination.bucket.name == claims.bucket);
        found
            .ok_or_else(|| Problem::new(ErrorCode::TokenForeign, "the upload goes where this caller may not"))
    }

    /// All of them, whomever they exist for.
    pub fn iter(&self) -> impl Iterator<Item = &Destination> {
        self.0.iter()
    }

    /// Where browsers send files: the origins of all stores, each once.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let mut origins: Vec<_> = self
            .0
            .iter()
            .flat_map(|destination| destination.bucket.hosts.origins().map(str::to_owned))
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        origins.retain(|origin| seen.insert(origin.clone()));
        origins
    }
}
