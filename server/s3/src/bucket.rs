//! A bucket, the ways to it, and what the server does with it.
//!
//! What looks after buckets (doctor, sweep, readiness, metrics) takes these and knows nothing of uploads.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::signing::{CredentialSource, Hosts};

use crate::store::S3Store;

/// A bucket that files are uploaded to.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// What it is called in reports, logs and metrics: its destinations.
    pub label: String,
    /// The destinations in it, by name.
    pub destinations: Vec<String>,
    /// Its name in the store.
    pub name: String,
    /// Its region.
    pub region: String,
    /// The store, with the server's credentials.
    pub store: S3Store,
    /// Where the server reaches it.
    pub hosts: Arc<Hosts>,
    /// Where browsers reach it.
    pub public_hosts: Arc<Hosts>,
    /// The server's credentials.
    pub credentials: CredentialSource,
    /// What every key begins with.
    pub key_prefix: String,
    /// How long any upload to it may take, after which nobody can complete it.
    pub token_lifetime: Duration,
    /// Headers that PUTs to it carry beside those that all PUTs may.
    pub put_headers: BTreeSet<String>,
    /// Whether small files are sent as forms.
    pub post_forms: bool,
    /// Whether it is the one within the binary, of which everything is known.
    pub is_embedded: bool,
    /// What the server removes from it by itself.
    pub sweeping: Sweeping,
}

/// What a server sweeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweeping {
    /// Nothing.
    Nothing,
    /// Files that nobody completed, below `.partway/`: these are nobody else's.
    OwnFiles,
    /// Those, and uploads in parts below the key prefix.
    Everything,
}
