//! A bucket: how to reach it, and what the server does with it.
//!
//! Doctor, sweep, readiness and metrics work on these, and know nothing of uploads.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::signing::{CredentialSource, Hosts};
use crate::store::BucketStore;
use crate::terms::RequestTerms;

/// A bucket that receives uploads.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// The name in reports, logs and metrics: its destinations'.
    pub label: String,
    /// The names of the destinations in the bucket.
    pub destinations: Vec<String>,
    /// The bucket's name in the store.
    pub name: String,
    /// The bucket's region.
    pub region: String,
    /// The store that it is in.
    pub identity: StoreIdentity,
    /// The store client, with the server's credentials.
    pub store: Arc<dyn BucketStore>,
    /// The addresses at which the server reaches the bucket.
    pub hosts: Arc<Hosts>,
    /// The addresses at which browsers reach the bucket.
    pub public_hosts: Arc<Hosts>,
    /// The source of the server's credentials.
    pub credentials: CredentialSource,
    /// What every request to it says.
    pub terms: RequestTerms,
    /// The prefix of every key.
    pub key_prefix: String,
    /// The longest lifetime of an upload token for the bucket; afterwards an upload cannot be completed.
    pub token_lifetime: Duration,
    /// The headers that PUTs carry besides those that every PUT may carry.
    pub put_headers: BTreeSet<String>,
    /// Whether small files are sent as HTML forms.
    pub post_forms: bool,
    /// Whether pages read objects.
    pub reads: bool,
    /// Whether pages copy objects into it.
    pub copies: bool,
    /// Whether it is the embedded store, whose behaviour is known.
    pub is_embedded: bool,
    /// What the server sweeps in the bucket by itself.
    pub sweeping: Sweeping,
}

/// Which store this is, and as whom the server comes to it: between two buckets of the same, the store can copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreIdentity {
    /// Its endpoint; of AWS, the partition, which all regions share.
    pub endpoint: String,
    /// The access key id that is configured; `None` for what AWS's chain finds.
    pub access_key_id: Option<String>,
}

impl StoreIdentity {
    /// Returns whether it is S3 itself, in any partition.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        self.endpoint.starts_with("aws")
    }
}

/// What a sweep removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweeping {
    /// Nothing.
    Nothing,
    /// Expired files below `.partway/`, which is used by Partway alone.
    OwnFiles,
    /// Expired files below `.partway/`, and expired multipart uploads below the key prefix.
    Everything,
}
