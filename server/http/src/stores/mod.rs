//! Opening the stores that the configuration names: buckets elsewhere, or the store within the binary.
//!
//! It knows which destinations are in a bucket, and nothing of their rules.

mod access;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use partway_embedded::{OpenError, ServeError, Server as EmbeddedServer};
use partway_s3::bucket::Bucket;
use partway_s3::signing::HostsError;
use secrecy::SecretString;

use crate::config::{DestinationConfig, Settings, SettingsError};
use crate::embedded_secrets::EmbeddedSecretsError;

use self::access::{Access, Contents};

/// Why the stores cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoresError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The embedded store's port is taken, or may not be listened on.
    #[error("cannot listen on {addr} (set by embedded.listen): {error}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The data folder's secrets cannot be read or made.
    #[error(transparent)]
    Secrets(#[from] EmbeddedSecretsError),
    /// The embedded store does not open.
    #[error("the embedded store in {data} does not open: {error}")]
    Open {
        /// Its folder.
        data: PathBuf,
        /// Why.
        error: OpenError,
    },
    /// The embedded store does not start.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A store's endpoints cannot be signed for.
    #[error("{section}.endpoints: {error}")]
    Endpoints {
        /// The store's section.
        section: String,
        /// Why.
        error: HostsError,
    },
    /// Nothing gives credentials.
    #[error(
        "there are no credentials for the store: set {section}.access_key_id and {section}.secret_access_key, or give \
         them by any of AWS's usual means (environment, profile, container, instance)"
    )]
    NoCredentials {
        /// The store's section.
        section: String,
    },
}

/// The configured stores: each bucket once, however many destinations are in it.
pub struct OpenStores {
    /// The buckets, in the order of their destinations' names; there is one at least.
    pub buckets: Vec<Bucket>,
    /// What upload tokens are signed with.
    pub(crate) token_secret: SecretString,
    /// The store within the binary, if it is served from here.
    pub(crate) embedded: Option<EmbeddedServer>,
}

impl OpenStores {
    /// Opens them for a command that looks after them. The embedded store is started, or reached where a server has
    /// started it.
    ///
    /// # Errors
    /// Says what is in the way.
    pub async fn open(settings: &Settings) -> Result<Self, OpenStoresError> {
        settings.validate()?;
        open(settings, IfServed::Reach).await
    }

    /// Opens them for a server, which serves the embedded store itself.
    ///
    /// # Errors
    /// Says what is in the way.
    pub(crate) async fn serve(settings: &Settings) -> Result<Self, OpenStoresError> {
        open(settings, IfServed::Fail).await
    }

    /// Closes them.
    pub async fn close(self) {
        if let Some(embedded) = self.embedded {
            embedded.shutdown().await;
        }
    }
}

/// What to do about an embedded store whose port is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfServed {
    Fail,
    Reach,
}

/// The buckets of one store, with the destinations in each.
type Buckets = BTreeMap<String, Vec<String>>;

async fn open(settings: &Settings, if_served: IfServed) -> Result<OpenStores, OpenStoresError> {
    let destinations = settings.destinations();
    let mut by_store: BTreeMap<Option<String>, Buckets> = BTreeMap::new();
    for (name, destination) in &destinations {
        let buckets = by_store.entry(destination.store.clone()).or_default();
        buckets.entry(settings.bucket_of(destination)).or_default().push(name.clone());
    }
    let mut opened = Vec::new();
    let mut token_secret = settings.server.token_secret.clone();
    let mut served = None;
    for (name, buckets) in by_store {
        let (section, config) = settings.store_of(name.as_deref());
        let access = if name.is_some() || config.bucket.is_some() {
            // What looks for credentials and region is large.
            Box::pin(Access::remote(section, config)).await?
        } else {
            let names: BTreeSet<_> = buckets.keys().cloned().collect();
            match Access::embedded(&settings.embedded, config, names) {
                // A server has started it, and holds its port.
                Err(OpenStoresError::Listen { error, .. })
                    if if_served == IfServed::Reach && error.kind() == io::ErrorKind::AddrInUse =>
                {
                    Access::running(&settings.embedded, config)?
                }
                opened => {
                    let (access, server, secret) = opened?;
                    token_secret.get_or_insert(secret);
                    served = Some(server);
                    access
                }
            }
        };
        for (bucket, names) in buckets {
            opened.push(access.bucket(contents(settings, &destinations, bucket, names), settings)?);
        }
    }
    opened.sort_by(|one, other| one.label.cmp(&other.label));
    Ok(OpenStores {
        buckets: opened,
        // `Settings::validate` has seen to it that a server has one.
        token_secret: token_secret.unwrap_or_default(),
        embedded: served,
    })
}

fn contents(
    settings: &Settings,
    destinations: &BTreeMap<String, DestinationConfig>,
    bucket: String,
    names: Vec<String>,
) -> Contents {
    // None of the bucket's keys says which destination it is of. Those of other stores count too if it is of the same
    // name there, as two stores of the configuration may be two ways to one.
    let all = destinations.values().filter(|destination| settings.bucket_of(destination) == bucket);
    let lifetimes = all.map(|destination| destination.token_lifetime(&settings.server));
    let policies = names.iter().filter_map(|name| destinations.get(name));
    let policies = policies.map(|destination| destination.policy(&settings.uploads));
    Contents {
        token_lifetime: lifetimes.max().unwrap_or(settings.server.token_lifetime),
        put_headers: policies.flat_map(|policy| policy.put_headers()).collect(),
        bucket,
        destinations: names,
    }
}
