//! Where uploads may go: buckets of one or more stores, each destination with rules of its own.
//!
//! A destination that a caller may not use does not exist for it: the answer is the same as for a name that nobody has
//! configured. What happens to an upload there is not known here.

mod open;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use partway_s3::attributes::{Attributes, UPLOAD_MARK};
use partway_s3::bucket::Bucket;
use partway_s3::signing::Presigner;
use partway_s3::store::Store;
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
    /// Its name.
    pub name: String,
    /// Where it is.
    pub bucket: Arc<Bucket>,
    /// How uploads to the bucket are checked.
    pub verification: Verification,
    /// How long URLs are good.
    pub url_lifetime: Duration,
    /// The largest file that is sent as a form, in bytes, if the bucket is to take forms.
    pub form_max: Option<u64>,
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

    /// Returns the size of the largest file that is sent as a form, in bytes; `None` where the store takes no forms, or does
    /// not hold them to their terms.
    #[must_use]
    pub fn form_max(&self) -> Option<u64> {
        self.form_max.filter(|_| self.verification.takes_forms())
    }

    /// Returns what signs for its bucket, now.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn presigner(&self) -> Result<Presigner<'_>, Problem> {
        let bucket = &self.bucket;
        let credentials = bucket.credentials.get().await.map_err(|error| {
            tracing::error!(%error, bucket = bucket.name, "no credentials to sign with");
            Problem::new(
                ErrorCode::StoreDenied,
                "the server has no credentials for the store; its log says more",
            )
        })?;
        let (hosts, region) = (&bucket.public_hosts, &bucket.region);
        Ok(Presigner::new(hosts, region, &credentials, self.url_lifetime, SystemTime::now()))
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
            .flat_map(|destination| destination.bucket.public_hosts.origins().map(str::to_owned))
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        origins.retain(|origin| seen.insert(origin.clone()));
        origins
    }
}
