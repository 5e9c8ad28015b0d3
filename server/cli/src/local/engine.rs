//! The server's operations over the buckets that are open.
//!
//! It owns how they are put together, and the application's part in an upload: the key. It never knows why a bucket is opened.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use partway_s3::bucket::Bucket;
use partway_s3::store::{Objects as StoreObjects, StoreError};
use partway_s3::verification::{Known, Settle, Verification};
use partway_server::caller::Caller;
use partway_server::config::LimitsConfig;
use partway_server::copies::Copies;
use partway_server::destinations::{Destination, Destinations};
use partway_server::hooks::{Decision, Hooks, ProposedUpload};
use partway_server::objects::{LinkMint, Objects};
use partway_server::policy::Policy;
use partway_server::quotas::Quotas;
use partway_server::token::TokenMint;
use partway_server::uploads::Uploads;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::MAX_KEY_BYTES;
use secrecy::SecretString;

use super::known::KnownStores;

/// A bucket that is open.
pub(super) struct OpenBucket {
    pub(super) bucket: Arc<Bucket>,
    id: String,
    verification: Verification,
    settle: Settle,
    /// Whether its region is certain.
    is_located: AtomicBool,
    heard: Arc<Mutex<Option<StoreError>>>,
    /// Held while what its store verifies is found out.
    settling: tokio::sync::Mutex<bool>,
}

impl OpenBucket {
    pub(super) fn new(bucket: Bucket, id: String) -> Self {
        let (verification, settle) = Verification::unsettled();
        Self {
            bucket: Arc::new(bucket),
            id,
            verification,
            settle,
            is_located: AtomicBool::new(false),
            heard: Arc::default(),
            settling: tokio::sync::Mutex::default(),
        }
    }

    /// Returns this with what is settled of another that was opened in another region.
    pub(super) async fn in_place_of(self, other: &Self) -> Self {
        let is_settled = *other.settling.lock().await;
        self.set_located();
        Self {
            verification: other.verification.clone(),
            settle: other.settle.clone(),
            settling: tokio::sync::Mutex::new(is_settled),
            ..self
        }
    }

    /// Returns the name under which it is remembered.
    pub(super) fn id(&self) -> String {
        self.id.clone()
    }

    pub(super) fn is_aws(&self) -> bool {
        !self.bucket.identity.endpoint.contains("://")
    }

    pub(super) fn is_located(&self) -> bool {
        self.is_located.load(Ordering::Relaxed)
    }

    pub(super) fn set_located(&self) {
        self.is_located.store(true, Ordering::Relaxed);
    }

    pub(super) fn hear(&self, error: &StoreError) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
    }

    /// Returns what its store refused last.
    pub(super) fn heard(&self) -> Option<StoreError> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the region that the bucket was said to be in, if that is another. One that was followed before is no other.
    pub(super) fn other_region(&self) -> Option<String> {
        match self.heard() {
            Some(StoreError::OtherRegion(region)) if region != self.bucket.region => Some(region),
            _ => None,
        }
    }

    /// Finds out what the store verifies, unless that is known: it is remembered, documented, or tried out now.
    pub(super) async fn settle(&self, stores: &KnownStores) -> Result<(), Problem> {
        let mut is_settled = self.settling.lock().await;
        if *is_settled {
            return Ok(());
        }
        let known = match stores.known(&self.id) {
            Some(known) => known,
            None if self.is_aws() => Known::aws(),
            None => {
                let probed =
                    Box::pin(Known::probe(&self.bucket)).await.inspect_err(|error| self.hear(error))?;
                stores.set_known(&self.id, probed);
                probed
            }
        };
        self.settle.settle(known);
        *is_settled = true;
        Ok(())
    }
}

/// The operations.
pub(super) struct Engine {
    pub(super) objects: Arc<Objects>,
    destinations: Arc<Destinations>,
    buckets: Vec<Arc<OpenBucket>>,
    quotas: Arc<Quotas>,
    hooks: Arc<dyn Hooks>,
}

impl Engine {
    pub(super) fn over<'a>(
        buckets: impl Iterator<Item = &'a Arc<OpenBucket>>,
        policy: &Policy,
    ) -> Result<Self, String> {
        let buckets: Vec<_> = buckets.map(Arc::clone).collect();
        let destinations = buckets.iter().map(|open| {
            let heard = Arc::clone(&open.heard);
            let observe = move |error: &StoreError| {
                *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
            };
            Destination::owned(Arc::clone(&open.bucket), open.verification.clone(), policy.clone(), observe)
        });
        let destinations = Arc::new(Destinations::new(destinations.collect()));
        let quotas = Arc::new(Quotas::new(&LimitsConfig::default())?);
        let hooks: Arc<dyn Hooks> = Arc::new(ExactKeys);
        let objects = Objects {
            destinations: Arc::clone(&destinations),
            hooks: Arc::clone(&hooks),
            quotas: Arc::clone(&quotas),
            // Links are made by servers alone.
            links: LinkMint::new(None, &SecretString::from("no link is made here")),
        };
        Ok(Self { objects: Arc::new(objects), destinations, buckets, quotas, hooks })
    }

    /// Returns the operations on uploads, with tokens that this secret seals.
    pub(super) fn uploads(&self, secret: &SecretString) -> Arc<Uploads> {
        Arc::new(Uploads {
            destinations: Arc::clone(&self.destinations),
            tokens: TokenMint::new(secret),
            hooks: Arc::clone(&self.hooks),
            quotas: Arc::clone(&self.quotas),
        })
    }

    pub(super) fn copies(&self, uploads: Arc<Uploads>) -> Copies {
        Copies { objects: Arc::clone(&self.objects), uploads }
    }

    pub(super) fn open_bucket(&self, name: &str) -> Result<&OpenBucket, Problem> {
        let found = self.buckets.iter().find(|open| open.bucket.name == name);
        found.map(|open| &**open).ok_or_else(|| not_open(name))
    }

    pub(super) fn destination(&self, name: &str) -> Result<&Destination, Problem> {
        self.destinations.in_bucket(name, name).ok_or_else(|| not_open(name))
    }

    /// Returns what is in a bucket, by calls whose errors are heard.
    pub(super) fn store_of(&self, name: &str) -> Result<&dyn StoreObjects, Problem> {
        Ok(&*self.destination(name)?.objects)
    }
}

fn not_open(name: &str) -> Problem {
    Problem::new(ErrorCode::Internal, format!("the bucket {name} is not open"))
}

/// Has each file stored under exactly the key that was asked for.
struct ExactKeys;

#[async_trait]
impl Hooks for ExactKeys {
    async fn before_create(&self, _: &Caller, uploads: &[ProposedUpload]) -> Result<Vec<Decision>, Problem> {
        Ok(uploads.iter().map(decide).collect())
    }

    fn guards(&self) -> bool {
        false
    }

    fn listens(&self) -> bool {
        false
    }
}

fn decide(upload: &ProposedUpload) -> Decision {
    // A copy has been given its key already.
    if upload.source.is_some() {
        return Decision::default();
    }
    let key = upload.path.as_ref().unwrap_or(&upload.name);
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        let why = format!("a key has 1 to {MAX_KEY_BYTES} bytes, and this one has {}", key.len());
        return Decision { refuse: Some(why), ..Decision::default() };
    }
    Decision { key: Some(key.clone()), ..Decision::default() }
}
