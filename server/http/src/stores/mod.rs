//! Opens the configured stores: external buckets, or the embedded store.
//!
//! It knows which destinations are in a bucket, and nothing of their policies.

mod access;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use partway_embedded::{OpenError, ServeError, Server as EmbeddedServer};
use partway_s3::bucket::Bucket;
use partway_s3::discover::Discovered;
use partway_s3::signing::{COPY_HEADERS, HostsError};
use partway_s3::terms::RequestTerms;
use partway_shared::wire::Operation;
use secrecy::SecretString;

use crate::config::{DestinationConfig, ServerConfig, Settings, SettingsError, StoreConfig};
use crate::embedded_secrets::EmbeddedSecretsError;
use crate::policy::Policy;

use self::access::{Access, Contents};

/// Why the stores cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoresError {
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The embedded store cannot listen on its address.
    #[error("cannot listen on {addr} (set by embedded.listen): {error}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The system's error.
        error: io::Error,
    },
    /// The secrets in the data folder can be neither read nor generated.
    #[error(transparent)]
    Secrets(#[from] EmbeddedSecretsError),
    /// The data folder cannot be opened.
    #[error("the embedded store in {data} cannot be opened: {error}")]
    Open {
        /// The data folder.
        data: PathBuf,
        /// Why.
        error: OpenError,
    },
    /// The embedded store cannot be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A store's endpoints are not valid.
    #[error("{section}.endpoints: {error}")]
    Endpoints {
        /// The store's section in the settings.
        section: String,
        /// Why.
        error: HostsError,
    },
    /// No credentials were found.
    #[error(
        "there are no credentials for the store: set {section}.access_key_id and {section}.secret_access_key, or give \
         them by any of AWS's usual means (environment, profile, container, instance)"
    )]
    NoCredentials {
        /// The store's section in the settings.
        section: String,
    },
}

/// The configured stores: each bucket once, however many destinations are in it.
pub struct OpenStores {
    /// The buckets, in the order of their destinations' names; at least one.
    pub buckets: Vec<Bucket>,
    /// The secret that signs upload tokens.
    pub(crate) token_secret: SecretString,
    /// The embedded store, if it is served from this process.
    pub(crate) embedded: Option<EmbeddedServer>,
}

impl OpenStores {
    /// Opens the stores for a command. The embedded store is started, or reached in the server that serves it.
    ///
    /// # Errors
    /// When a store cannot be opened.
    pub async fn open(settings: &Settings) -> Result<Self, OpenStoresError> {
        settings.validate()?;
        open(settings, IfServed::Reach).await
    }

    /// Opens the stores for a server, which serves the embedded store itself.
    ///
    /// # Errors
    /// When a store cannot be opened.
    pub(crate) async fn serve(settings: &Settings) -> Result<Self, OpenStoresError> {
        open(settings, IfServed::Fail).await
    }

    /// Closes the stores.
    pub async fn close(self) {
        if let Some(embedded) = self.embedded {
            embedded.shutdown().await;
        }
    }
}

/// Opens a bucket for a program that holds its credentials, with what was found where it is not configured. Asks the store nothing.
///
/// # Errors
/// When there are no credentials, or the endpoint is not valid.
pub fn open_bucket(
    name: &str,
    config: &StoreConfig,
    found: Discovered,
    terms: RequestTerms,
) -> Result<Bucket, OpenStoresError> {
    let contents = Contents {
        bucket: name.to_owned(),
        destinations: vec![name.to_owned()],
        token_lifetime: ServerConfig::default().token_lifetime,
        put_headers: BTreeSet::new(),
        reads: true,
        copies: true,
        terms,
    };
    Access::found("store".to_owned(), config, found)?.bucket(contents, &Settings::default())
}

/// What to do when the embedded store's port is in use.
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
    let policies: Vec<_> = policies.map(|destination| destination.policy(&settings.uploads)).collect();
    let copies =
        destinations.values().any(|destination| destination.objects.allow.contains(&Operation::Copy));
    let mut put_headers: BTreeSet<_> = policies.iter().flat_map(Policy::put_headers).collect();
    if copies {
        put_headers.extend(COPY_HEADERS.map(str::to_owned));
    }
    Contents {
        token_lifetime: lifetimes.max().unwrap_or(settings.server.token_lifetime),
        put_headers,
        reads: policies.iter().any(|policy| policy.allow.contains(&Operation::Get)),
        copies,
        bucket,
        destinations: names,
        terms: RequestTerms::default(),
    }
}
