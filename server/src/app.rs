//! The application: settings in, two listening ports out.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::{io, time};

use actix_cors::Cors;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{BehaviorVersion, SharedHttpClient};
use aws_smithy_http_client::tls;
use partway_shared::checksum::ChecksumKind;
use secrecy::{ExposeSecret, SecretString};
use tracing_actix_web::TracingLogger;
use url::Url;

use crate::config::{EmbeddedConfig, ServerConfig, Settings, SettingsError, StoreConfig};
use crate::embedded::{
    OpenError, Options, Origins, ServeError, Server as EmbeddedServer, Store as EmbeddedStore,
};
use crate::host::HostNames;
use crate::json::MaxBody;
use crate::local::{ACCESS_KEY_ID, LocalSecrets, LocalSecretsError};
use crate::routes::widget::PageSettings;
use crate::signing::{CredentialSource, Hosts, HostsError};
use crate::store::{S3Store, S3StoreOptions};
use crate::telemetry::RequestSpan;
use crate::token::TokenMint;
use crate::uploads::Uploads;
use crate::verification::{Probing, Verification};
use crate::{host, problem, routes};

/// The region where none is said.
const DEFAULT_REGION: &str = "us-east-1";

/// A server that listens and has not begun to answer.
pub struct Application {
    server: actix_web::dev::Server,
    probing: Option<Probing>,
    embedded: Option<EmbeddedServer>,
    addr: SocketAddr,
    store_origin: String,
    s3: S3Store,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A port is taken, or may not be listened on.
    #[error("cannot listen on {addr} (set by {setting}): {error}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Where it comes from.
        setting: &'static str,
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
    /// The store's endpoints cannot be signed for.
    #[error("store.endpoints: {0}")]
    Endpoints(#[from] HostsError),
    /// Nothing gives credentials.
    #[error(
        "there are no credentials for the store: set store.access_key_id and store.secret_access_key, or give them by any \
         of AWS's usual means (environment, profile, container, instance)"
    )]
    NoCredentials,
    /// The server itself.
    #[error("the server does not start: {0}")]
    Server(#[from] io::Error),
}

/// A bucket, and how to reach it.
struct Bucket {
    name: String,
    region: String,
    endpoint: Option<String>,
    public_endpoints: Vec<String>,
    path_style: bool,
    post_forms: bool,
    credentials: SharedCredentialsProvider,
    token_secret: SecretString,
    embedded: Option<EmbeddedServer>,
}

impl Application {
    /// Opens the store, binds the ports and puts everything together.
    ///
    /// # Errors
    /// Says what is in the way.
    pub async fn build(settings: Settings) -> Result<Self, StartError> {
        settings.validate()?;
        // First of all, so that a taken port is reported before a store is opened.
        let listener = listen(settings.server.listen, "server.listen")?;
        let addr = listener.local_addr()?;
        let bucket = match &settings.store.bucket {
            Some(name) => remote(name, &settings.store, &settings.server).await?,
            None => embedded(&settings.embedded, &settings.store, &settings.server)?,
        };
        let hosts = Hosts::new(&bucket.public_endpoints, &bucket.name, bucket.path_style)?;
        let s3 = S3Store::new(S3StoreOptions {
            bucket: bucket.name.clone(),
            region: bucket.region.clone(),
            endpoint: bucket.endpoint,
            path_style: bucket.path_style,
            credentials: bucket.credentials.clone(),
            http_client: http_client(),
        });
        let store_origins: Vec<_> = hosts.origins().map(str::to_owned).collect();
        let store_origin = hosts.first().origin().to_owned();
        let (verification, probing) = match settings.uploads.checksum.kind() {
            Some(kind) => (Verification::known(kind), None),
            // The embedded store is known.
            None if bucket.embedded.is_some() => (Verification::known(ChecksumKind::Crc64Nvme), None),
            None => {
                let (verification, probing) =
                    Verification::probe(s3.clone(), settings.uploads.key_prefix.clone()).await;
                (verification, Some(probing))
            }
        };
        let uploads = Uploads {
            store: Arc::new(s3.clone()),
            bucket: bucket.name,
            region: bucket.region,
            hosts,
            credentials: CredentialSource::new(bucket.credentials),
            policy: settings.uploads.policy(),
            form_max: bucket.post_forms.then_some(settings.uploads.form_max.as_u64()),
            verification,
            url_lifetime: settings.uploads.url_lifetime,
            token_lifetime: settings.server.token_lifetime,
            tokens: TokenMint::new(&bucket.token_secret),
        };
        let server = serve(&settings.server, listener, uploads, store_origins)?;
        Ok(Self { server, probing, embedded: bucket.embedded, addr, store_origin, s3 })
    }

    /// Where the server listens, as `http://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where browsers send the parts; the first of several names.
    #[must_use]
    pub fn store_origin(&self) -> &str {
        &self.store_origin
    }

    /// The store with the server's own credentials.
    #[must_use]
    pub const fn store(&self) -> &S3Store {
        &self.s3
    }

    /// Answers until the process is told to stop (SIGINT, SIGTERM), then finishes what is under way.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self) -> io::Result<()> {
        let outcome = self.server.await;
        tracing::info!("the server has stopped");
        if let Some(probing) = self.probing {
            probing.stop().await;
        }
        if let Some(embedded) = self.embedded {
            embedded.shutdown().await;
            tracing::info!("the embedded store has stopped");
        }
        outcome
    }

    /// What stops it from elsewhere.
    #[must_use]
    pub fn handle(&self) -> actix_web::dev::ServerHandle {
        self.server.handle()
    }
}

fn listen(addr: SocketAddr, setting: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr).map_err(|error| StartError::Listen { addr, setting, error })
}

fn serve(
    config: &ServerConfig,
    listener: TcpListener,
    uploads: Uploads,
    store_origins: Vec<String>,
) -> io::Result<actix_web::dev::Server> {
    let uploads = Data::new(uploads);
    let page = Data::new(PageSettings { connect_origins: store_origins });
    let max_body = Data::new(MaxBody(usize::try_from(config.max_body.as_u64()).unwrap_or(usize::MAX)));
    let host_names = Data::new(HostNames::new(config));
    let origins = config.allowed_origins.clone();
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(uploads.clone())
            .app_data(page.clone())
            .app_data(max_body.clone())
            .app_data(host_names.clone())
            .wrap(cors(&origins))
            // Around the former, whose refusals of preflights are plain text.
            .wrap(problem::error_handlers())
            .wrap(from_fn(host::check))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(routes::configure)
    })
    .shutdown_timeout(config.shutdown_timeout.as_secs())
    .client_request_timeout(time::Duration::from_secs(30));
    if let Some(workers) = config.workers {
        server = server.workers(workers);
    }
    Ok(server.listen(listener)?.run())
}

/// Pages elsewhere may call the server if their origin is configured.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "DELETE"])
        .allow_any_header()
        .expose_headers([header::RETRY_AFTER])
        .max_age(7_200);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// The store within the binary, with the secrets that lie beside its data.
fn embedded(
    config: &EmbeddedConfig,
    store: &StoreConfig,
    server: &ServerConfig,
) -> Result<Bucket, StartError> {
    let listener = listen(config.listen, "embedded.listen")?;
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
    let endpoint = format!("http://{}", embedded.local_addr());
    let credentials =
        Credentials::new(ACCESS_KEY_ID, secrets.secret_access_key.expose_secret(), None, None, "embedded");
    Ok(Bucket {
        name: config.bucket.clone(),
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
        token_secret: server.token_secret.clone().unwrap_or(secrets.token_secret),
        embedded: Some(embedded),
    })
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
    let found = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).load().await;
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
        ([], None) => vec![format!("https://s3.{region}.amazonaws.com")],
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
