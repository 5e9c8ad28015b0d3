//! Destinations: where uploads may go and where objects are, each a bucket with a policy of its own.
//!
//! A destination that a caller may not use does not exist for it: the answer is the same as for a name that nobody has
//! configured. What happens to an upload there is not known here.

mod open;
mod owned;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use partway_s3::attributes::{Attributes, UPLOAD_MARK};
use partway_s3::bucket::Bucket;
use partway_s3::signing::Presigner;
use partway_s3::store::{Objects, Store};
use partway_s3::verification::Verification;
use partway_shared::error::{ErrorCode, Problem};

use crate::caller::Caller;
use crate::config::DEFAULT_DESTINATION;
use crate::excerpt::excerpt;
use crate::metrics::DestinationMetrics;
use crate::policy::Policy;
use crate::token::UploadClaims;

pub use open::{Opened, open};

/// One destination.
pub struct Destination {
    /// The name.
    pub name: String,
    /// The bucket that uploads go to.
    pub bucket: Arc<Bucket>,
    /// How uploads to the bucket are verified.
    pub verification: Verification,
    /// How long URLs are valid.
    pub url_lifetime: Duration,
    /// The largest file that is sent as a form, in bytes, if forms are configured.
    pub form_max: Option<u64>,
    /// The bucket's operations, which are measured.
    pub store: Arc<dyn Store>,
    /// The operations on what is in the bucket, which are measured.
    pub objects: Arc<dyn Objects>,
    /// The rules for uploads.
    pub policy: Policy,
    /// How long an upload may take.
    pub token_lifetime: Duration,
    /// How long URLs that read are valid at most.
    pub read_lifetime: Duration,
    /// How long links work at most.
    pub link_lifetime: Duration,
    /// The destination's metrics.
    pub metrics: DestinationMetrics,
}

impl Destination {
    /// Returns the attributes of an upload's object: the destination's, and the upload's own.
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

    /// Returns the size of the largest file that is sent as a form, in bytes; `None` where the store does not support
    /// forms, or does not enforce their policy.
    #[must_use]
    pub fn form_max(&self) -> Option<u64> {
        self.form_max.filter(|_| self.verification.takes_forms())
    }

    /// Returns a presigner for the bucket, with the current time and credentials.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn presigner(&self) -> Result<Presigner<'_>, Problem> {
        self.presigner_for(self.url_lifetime).await
    }

    /// Returns a presigner whose URLs are valid as long, or as long as the credentials are.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn presigner_for(&self, lifetime: Duration) -> Result<Presigner<'_>, Problem> {
        let bucket = &self.bucket;
        let credentials = bucket.credentials.get().await.map_err(|error| {
            tracing::error!(%error, bucket = bucket.name, "no credentials to sign with");
            Problem::new(
                ErrorCode::StoreDenied,
                "the server has no credentials for the store; its log has the reason",
            )
        })?;
        let (hosts, region) = (&bucket.public_hosts, &bucket.region);
        let presigner = Presigner::new(hosts, region, &credentials, lifetime, SystemTime::now());
        Ok(presigner.with_terms(&bucket.terms))
    }
}

/// All destinations of a server.
pub struct Destinations(Vec<Destination>);

impl Destinations {
    /// Creates the set of destinations.
    #[must_use]
    pub fn new(destinations: Vec<Destination>) -> Self {
        Self(destinations)
    }

    /// Returns the destination of this name; without a name, the one called `default`, or the only one.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownDestination`] when it does not exist for this caller.
    pub fn find(&self, name: Option<&str>, caller: &Caller) -> Result<&Destination, Problem> {
        let unknown = |why: String| Problem::new(ErrorCode::UnknownDestination, why);
        let mut existing = self.0.iter().filter(|destination| {
            destination.policy.exists_for(&destination.name, caller.subject.as_str(), &caller.scope)
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
                .ok_or_else(|| {
                    unknown("the request must name a destination, since there is no default".to_owned())
                }),
        }
    }

    /// Returns the destination of a token.
    ///
    /// # Errors
    /// [`ErrorCode::TokenForeign`] when it does not exist for this caller any more, or is in another bucket now.
    pub fn of_token(&self, claims: &UploadClaims, caller: &Caller) -> Result<&Destination, Problem> {
        let found = self.find(Some(&claims.destination), caller).ok();
        let found = found.filter(|destination| destination.bucket.name == claims.bucket);
        found.ok_or_else(|| {
            Problem::new(ErrorCode::TokenForeign, "this caller may not use the upload's destination")
        })
    }

    /// Returns the destinations that exist for a caller, and which of them is meant by a request that names none.
    pub fn of_caller(&self, caller: &Caller) -> (Vec<&Destination>, Option<&str>) {
        let existing = self.0.iter().filter(|destination| {
            destination.policy.exists_for(&destination.name, caller.subject.as_str(), &caller.scope)
        });
        let default = self.find(None, caller).ok().map(|destination| destination.name.as_str());
        (existing.collect(), default)
    }

    /// Returns the destination of this name, whoever asks; none where it is in another bucket now.
    #[must_use]
    pub fn in_bucket(&self, name: &str, bucket: &str) -> Option<&Destination> {
        self.0.iter().find(|destination| destination.name == name && destination.bucket.name == bucket)
    }

    /// Returns all destinations, also those that do not exist for some callers.
    pub fn iter(&self) -> impl Iterator<Item = &Destination> {
        self.0.iter()
    }

    /// Returns the origins to which browsers send files, each once.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let mut origins: Vec<_> = self
            .0
            .iter()
            .flat_map(|destination| destination.bucket.public_hosts.origins().map(str::to_owned))
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        origins.retain(|origin| seen.insert(origin.clone()));
        origins
    }
}
