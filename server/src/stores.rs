//! Opening what the configuration names: a bucket elsewhere, or the store within the binary.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_smithy_http_client::tls;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::app::{StartError, listen};
use crate::config::{EmbeddedConfig, ServerConfig, Settings, StoreConfig};
use crate::embedded::{Options, Origins, Server as EmbeddedServer, Store as EmbeddedStore};
use crate::listen::Listener;
use crate::local::{ACCESS_KEY_ID, LocalSecrets};
use crate::signing::{CredentialSource, Hosts, HostsError};
use crate::store::named::NamedStore;
use crate::store::{S3Store, S3StoreOptions};

/// The region where none is said.
const DEFAULT_REGION: &str = "us-east-1";
/// What the one destination is called.
const DESTINATION: &str = "default";

/// A bucket, and how to reach it.
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) public_endpoints: Vec<String>,
    pub(crate) path_style: bool,
    pub(crate) post_forms: bool,
    pub(crate) credentials: SharedCredentialsProvider,
    pub(crate) token_secret: SecretString,
    pub(crate) embedded: Option<EmbeddedServer>,
}

/// Opens the bucket that is configured.
pub(crate) async fn open(settings: &Settings) -> Result<Bucket, StartError> {
    match &settings.store.bucket {
        Some(name) => remote(name, &settings.store, &settings.server).await,
        None => embedded(&settings.embedded, &settings.store, &settings.server),
    }
}

/// The configured stores without a server, for commands that look after them.
pub struct OpenStores {
    /// The stores.
    pub stores: Vec<NamedStore>,
    embedded: Option<EmbeddedServer>,
}

impl OpenStores {
    /// Opens them. The embedded store is started, or reached where a server has started it.
    ///
    /// # Errors
    /// Says what is in the way.
    pub async fn open(settings: &Settings) -> Result<Self, StartError> {
        settings.validate()?;
        let bucket = match open(settings).await {
            // A server has started it, and holds its port.
            Err(StartError::Listen { error, .. }) if error.kind() == io::ErrorKind::AddrInUse => {
                running(&settings.embedded, &settings.store)?
            }
            other => other?,
        };
        let stores = vec![bucket.named(settings)?];
        Ok(Self { stores, embedded: bucket.embedded })
    }

    /// Closes them.
    pub async fn close(self) {
        if let Some(embedded) = self.embedded {
            embedded.shutdown().await;
        }
    }
}

impl Bucket {
    /// What looks after it.
    pub(crate) fn named(&self, settings: &Settings) -> Result<NamedStore, HostsError> {
        let endpoint = self.endpoint.clone().unwrap_or_else(|| settings.store.aws_endpoint(&self.region));
        let key_prefix = settings.uploads.key_prefix.clone();
        Ok(NamedStore {
            name: DESTINATION.to_owned(),
            bucket: self.name.clone(),
            region: self.region.clone(),
            store: S3Store::new(S3StoreOptions {
                bucket: self.name.clone(),
                region: self.region.clone(),
                endpoint: self.endpoint.clone(),
                path_style: self.path_style,
                dual_stack: settings.store.dual_stack,
                credentials: self.credentials.clone(),
                http_client: http_client(),
            }),
            hosts: Arc::new(Hosts::new(&[endpoint], &self.name, self.path_style)?),
            public_hosts: Arc::new(Hosts::new(&self.public_endpoints, &self.name, self.path_style)?),
            credentials: CredentialSource::new(self.credentials.clone()),
            is_swept: settings.sweep.sweeps(self.embedded.is_some(), &key_prefix),
            key_prefix,
            token_lifetime: settings.server.token_lifetime,
            post_forms: self.post_forms,
        })
    }
}

/// The store within the binary, with the secrets that lie beside its data.
fn embedded(
    config: &EmbeddedConfig,
    store: &StoreConfig,
    server: &ServerConfig,
) -> Result<Bucket, StartError> {
    let listener = match listen(config.listen, "embedded.listen")? {
        Listener::Tcp(listener, _) => listener,
        #[cfg(unix)]
        Listener::Unix(..) => return Err(StartError::Server(io::ErrorKind::Unsupported.into())),
    };
    let secrets = LocalSecrets::load_or_make(&config.data)?;
    let opened = EmbeddedStore::open(Options {
        data_dir: config.data.clone(),
        access_key: ACCESS_KEY_ID.to_owned(),
        secret_key: secrets.secret_access_key.clone(),
        region: DEFAULT_REGION.to_owned(),
        buckets: vec![config.bucket.clone()],
        allowed_origins: Origins::Any,
        max_bytes: config.max_bytes.map(|max| max.as_u64()),
    });
    let opened = opened.map_err(|error| StartError::Open { data: config.data.clone(), error })?;
    let embedded = opened.serve(listener)?;
    Ok(Bucket {
        token_secret: server.token_secret.clone().unwrap_or_else(|| secrets.token_secret.clone()),
        ..embedded_at(embedded.local_addr(), config, store, &secrets, Some(embedded))
    })
}

/// The store within another process, which serves it now.
fn running(config: &EmbeddedConfig, store: &StoreConfig) -> Result<Bucket, StartError> {
    let secrets = LocalSecrets::load_or_make(&config.data)?;
    Ok(embedded_at(config.listen, config, store, &secrets, None))
}

fn embedded_at(
    addr: SocketAddr,
    config: &EmbeddedConfig,
    store: &StoreConfig,
    secrets: &LocalSecrets,
    embedded: Option<EmbeddedServer>,
) -> Bucket {
    let endpoint = format!("http://{addr}");
    let secret = secrets.secret_access_key.expose_secret();
    let credentials = Credentials::new(ACCESS_KEY_ID, secret, None, None, "embedded");
    Bucket {
        name: config.bucket.clone(),
        region: DEFAULT_REGION.to_owned(),
        public_endpoints: if store.endpoints.is_empty() {
            vec![endpoint.clone()]
        } else {
            store.endpoints.iter().map(|name| with_port(name, addr.port())).collect()
        },
        endpoint: Some(endpoint),
        path_style: true,
        post_forms: store.post_forms.unwrap_or(true),
        credentials: SharedCredentialsProvider::new(credentials),
        token_secret: SecretString::default(),
        embedded,
    }
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

/// A bucket elsewhere, with the credentials that are configured or that AWS's chain finds.
async fn remote(name: &str, config: &StoreConfig, server: &ServerConfig) -> Result<Bucket, StartError> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
    if let Some(region) = &config.region {
        // Else a metadata service may be asked for it.
        loader = loader.region(Region::new(region.clone()));
    }
    let found = loader.load().await;
    let credentials = match (&config.access_key_id, &config.secret_access_key) {
        (Some(id), Some(secret)) => SharedCredentialsProvider::new(Credentials::new(
            id,
            secret.expose_secret(),
            None,
            None,
            "configuration",
        )),
        _ => found.credentials_provider().ok_or(StartError::NoCredentials)?,
    };
    let region = config.region.clone().or_else(|| found.region().map(ToString::to_string));
    let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
    let endpoint = config.endpoint.as_ref().or(config.endpoints.first()).cloned();
    let public_endpoints = match (&config.endpoints[..], &endpoint) {
        ([], Some(endpoint)) => vec![endpoint.clone()],
        ([], None) => vec![config.public_aws_endpoint(&region)],
        (endpoints, _) => endpoints.to_vec(),
    };
    Ok(Bucket {
        name: name.to_owned(),
        public_endpoints,
        region,
        endpoint,
        path_style: config.is_path_style(),
        post_forms: config.post_forms.unwrap_or_else(|| config.is_aws()),
        credentials,
        // `Settings::validate` has seen to it that there is one.
        token_secret: server.token_secret.clone().unwrap_or_default(),
        embedded: None,
    })
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https()
}
