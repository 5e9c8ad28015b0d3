//! Opening the stores that the configuration names: buckets elsewhere, or the one within the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{BehaviorVersion, SharedHttpClient};
use aws_smithy_http_client::tls;
use futures_util::future::join_all;
use partway_shared::checksum::ChecksumKind;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config::{DestinationConfig, EmbeddedConfig, Settings, StoreConfig};
use crate::embedded::{
    OpenError, Options, Origins, ServeError, Server as EmbeddedServer, Store as EmbeddedStore,
};
use crate::local::{ACCESS_KEY_ID, LocalSecrets, LocalSecretsError};
use crate::signing::{CredentialSource, Hosts, HostsError};
use crate::store::{S3Store, S3StoreOptions};
use crate::verification::{Probing, Verification};

use super::{Bucket, DEFAULT, Destination, Destinations};

/// The region where none is said.
const DEFAULT_REGION: &str = "us-east-1";

/// Why the stores cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoresError {
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
    Secrets(#[from] LocalSecretsError),
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

/// Stores that can be used.
pub struct OpenedStores {
    /// What is where.
    pub destinations: Destinations,
    /// The store of the default destination, or of the first; for looking at it from outside.
    pub store: S3Store,
    /// Its first name, as `https://host:port`.
    pub origin: String,
    /// What upload tokens are signed with.
    pub token_secret: SecretString,
    /// The store within the binary, if it is used.
    pub embedded: Option<EmbeddedServer>,
    /// What is still being found out of the stores.
    pub probings: Vec<Probing>,
}

/// How to reach a store's buckets.
struct Access {
    section: String,
    /// The bucket of destinations that name none.
    bucket: String,
    region: String,
    endpoint: Option<String>,
    public_endpoints: Vec<String>,
    path_style: bool,
    post_forms: bool,
    credentials: SharedCredentialsProvider,
    is_embedded: bool,
}

/// Opens what the destinations need.
///
/// # Errors
/// Says what is in the way.
pub async fn open(settings: &Settings) -> Result<OpenedStores, OpenStoresError> {
    let mut configured = settings.destinations.clone();
    if configured.is_empty() {
        configured.insert(DEFAULT.to_owned(), DestinationConfig::default());
    }
    let mut token_secret = settings.server.token_secret.clone();
    let mut embedded_server = None;
    let mut accesses: BTreeMap<Option<String>, Access> = BTreeMap::new();
    for name in configured.values().map(|destination| destination.store.clone()).collect::<BTreeSet<_>>() {
        let section = name.as_ref().map_or("store".to_owned(), |name| format!("stores.{name}"));
        let config = name
            .as_ref()
            .map_or(&settings.store, |name| settings.stores.get(name).unwrap_or(&settings.store));
        let access = if name.is_none() && config.bucket.is_none() {
            let on_it = configured.values().filter(|destination| destination.store.is_none());
            let buckets: BTreeSet<_> = on_it
                .map(|destination| {
                    destination.bucket.clone().unwrap_or_else(|| settings.embedded.bucket.clone())
                })
                .collect();
            let (access, server, secret) = embedded(&settings.embedded, config, buckets)?;
            embedded_server = Some(server);
            token_secret.get_or_insert(secret);
            access
        } else {
            remote(section, config).await?
        };
        accesses.insert(name, access);
    }

    // Each bucket once, however many destinations are in it.
    let wanted: BTreeSet<_> = configured
        .values()
        .filter_map(|destination| {
            let access = accesses.get(&destination.store)?;
            Some((
                destination.store.clone(),
                destination.bucket.clone().unwrap_or_else(|| access.bucket.clone()),
            ))
        })
        .collect();
    let opened = wanted.into_iter().filter_map(|(store, name)| {
        let access = accesses.get(&store)?;
        Some(async move {
            Ok::<_, OpenStoresError>(((store, name.clone()), bucket(access, name, settings).await?))
        })
    });
    let mut buckets = BTreeMap::new();
    let mut probings = Vec::new();
    // At the same time, since each may wait for its store to answer.
    for opened in join_all(opened).await {
        let (place, (bucket, store, probing)) = opened?;
        buckets.insert(place, (Arc::new(bucket), store));
        probings.extend(probing);
    }
    let mut destinations = Vec::new();
    let mut first: Option<(S3Store, String)> = None;
    for (name, config) in configured {
        let Some(access) = accesses.get(&config.store) else { continue };
        let place = (config.store.clone(), config.bucket.clone().unwrap_or_else(|| access.bucket.clone()));
        let Some((bucket, store)) = buckets.get(&place) else { continue };
        if first.is_none() || name == DEFAULT {
            first = Some((store.clone(), bucket.hosts.first().origin().to_owned()));
        }
        destinations.push(Destination {
            policy: config.policy(&settings.uploads),
            token_lifetime: config.token_lifetime.unwrap_or(settings.server.token_lifetime),
            bucket: Arc::clone(bucket),
            name,
        });
    }
    // There is one at least, since there is a destination at least.
    let (store, origin) =
        first.ok_or_else(|| OpenStoresError::NoCredentials { section: "store".to_owned() })?;
    Ok(OpenedStores {
        destinations: Destinations::new(destinations),
        store,
        origin,
        // `Settings::validate` has seen to it that there is one.
        token_secret: token_secret.unwrap_or_default(),
        embedded: embedded_server,
        probings,
    })
}

/// One bucket of a store, with what is known or being found out of it.
async fn bucket(
    access: &Access,
    name: String,
    settings: &Settings,
) -> Result<(Bucket, S3Store, Option<Probing>), OpenStoresError> {
    let hosts = Hosts::new(&access.public_endpoints, &name, access.path_style)
        .map_err(|error| OpenStoresError::Endpoints { section: access.section.clone(), error })?;
    let store = S3Store::new(S3StoreOptions {
        bucket: name.clone(),
        region: access.region.clone(),
        endpoint: access.endpoint.clone(),
        path_style: access.path_style,
        credentials: access.credentials.clone(),
        http_client: http_client(),
    });
    let (verification, probing) = match settings.uploads.checksum.kind() {
        Some(kind) => (Verification::known(kind), None),
        // The embedded store is known.
        None if access.is_embedded => (Verification::known(ChecksumKind::Crc64Nvme), None),
        None => {
            let prefix = settings.uploads.key_prefix.clone();
            let (verification, probing) = Verification::probe(store.clone(), prefix).await;
            (verification, Some(probing))
        }
    };
    let bucket = Bucket {
        store: Arc::new(store.clone()),
        name,
        region: access.region.clone(),
        hosts,
        credentials: CredentialSource::new(access.credentials.clone()),
        form_max: access.post_forms.then_some(settings.uploads.form_max.as_u64()),
        verification,
        url_lifetime: settings.uploads.url_lifetime,
    };
    Ok((bucket, store, probing))
}

/// The store within the binary, with the secrets that lie beside its data.
fn embedded(
    config: &EmbeddedConfig,
    store: &StoreConfig,
    buckets: BTreeSet<String>,
) -> Result<(Access, EmbeddedServer, SecretString), OpenStoresError> {
    let addr = config.listen;
    let listener = TcpListener::bind(addr).map_err(|error| OpenStoresError::Listen { addr, error })?;
    let secrets = LocalSecrets::load_or_make(&config.data)?;
    let opened = EmbeddedStore::open(Options {
        data_dir: config.data.clone(),
        access_key: ACCESS_KEY_ID.to_owned(),
        secret_key: secrets.secret_access_key.clone(),
        region: DEFAULT_REGION.to_owned(),
        buckets: buckets.into_iter().collect(),
        allowed_origins: Origins::Any,
        max_bytes: config.max_bytes.map(|max| max.as_u64()),
    });
    let opened = opened.map_err(|error| OpenStoresError::Open { data: config.data.clone(), error })?;
    let embedded = opened.serve(listener)?;
    let endpoint = format!("http://{}", embedded.local_addr());
    let credentials =
        Credentials::new(ACCESS_KEY_ID, secrets.secret_access_key.expose_secret(), None, None, "embedded");
    let access = Access {
        section: "store".to_owned(),
        bucket: config.bucket.clone(),
        region: DEFAULT_REGION.to_owned(),
        public_endpoints: if store.endpoints.is_empty() {
            vec![endpoint.clone()]
        } else {
            store.endpoints.iter().map(|name| with_port(name, embedded.local_addr().port())).collect()
        },
        endpoint: Some(endpoint),
        path_style: true,
        post_forms: store.post_forms.unwrap_or(true),
        credentials: SharedCredentialsProvider::new(credentials),
        is_embedded: true,
    };
    Ok((access, embedded, secrets.token_secret))
}

/// This endpoint at the embedded store's port, if it leaves the port open.
fn with_port(endpoint: &str, port: u16) -> String {
    // Endpoints that are not URLs are refused elsewhere.
    let Ok(mut url) = Url::parse(endpoint) else { return endpoint.to_owned() };
    if url.port() != Some(0) || url.set_port(Some(port)).is_err() {
        return endpoint.to_owned();
    }
    url.origin().ascii_serialization()
}

/// A store elsewhere, with the credentials that are configured or that AWS's chain finds.
async fn remote(section: String, config: &StoreConfig) -> Result<Access, OpenStoresError> {
    let found = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).load().await;
    let credentials = match (&config.access_key_id, &config.secret_access_key) {
        (Some(id), Some(secret)) => SharedCredentialsProvider::new(Credentials::new(
            id,
            secret.expose_secret(),
            None,
            None,
            "configuration",
        )),
        _ => found
            .credentials_provider()
            .ok_or_else(|| OpenStoresError::NoCredentials { section: section.clone() })?,
    };
    let region = config.region.clone().or_else(|| found.region().map(ToString::to_string));
    let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
    let endpoint = config.endpoint.as_ref().or(config.endpoints.first()).cloned();
    let public_endpoints = match (&config.endpoints[..], &endpoint) {
        ([], Some(endpoint)) => vec![endpoint.clone()],
        ([], None) => vec![format!("https://s3.{region}.amazonaws.com")],
        (endpoints, _) => endpoints.to_vec(),
    };
    Ok(Access {
        bucket: config.bucket.clone().unwrap_or_default(),
        section,
        public_endpoints,
        region,
        endpoint,
        path_style: config.is_path_style(),
        post_forms: config.post_forms.unwrap_or_else(|| config.is_aws()),
        credentials,
        is_embedded: false,
    })
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https()
}
