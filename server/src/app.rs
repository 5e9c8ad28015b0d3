//! The application: settings in, two listening ports out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::{io, time};

use actix_cors::Cors;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer, dev};
use partway_shared::checksum::ChecksumKind;
use tracing_actix_web::TracingLogger;

use crate::config::{Settings, SettingsError};
use crate::embedded::{OpenError, ServeError, Server as EmbeddedServer};
use crate::host::HostNames;
use crate::json::MaxBody;
use crate::listen::Listener;
use crate::local::LocalSecretsError;
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::routes::widget::PageSettings;
use crate::signing::{Hosts, HostsError};
use crate::store::{Measured, S3Store};
use crate::sweep::Timer;
use crate::telemetry::RequestSpan;
use crate::tls::{Certificate, TlsError};
use crate::token::TokenMint;
use crate::uploads::Uploads;
use crate::verification::{Probing, Verification};
use crate::{host, metrics, problem, routes, stores, sweep, telemetry};

/// A server that listens and has not begun to answer.
pub struct Application {
    server: dev::Server,
    operations: Option<dev::Server>,
    probing: Option<Probing>,
    sweeping: Option<Timer>,
    embedded: Option<EmbeddedServer>,
    url: String,
    operations_url: Option<String>,
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
        addr: String,
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
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server itself.
    #[error("the server does not start: {0}")]
    Server(#[from] io::Error),
}

impl Application {
    /// Opens the store, binds the ports and puts everything together.
    ///
    /// # Errors
    /// Says what is in the way.
    pub async fn build(settings: Settings) -> Result<Self, StartError> {
        settings.validate()?;
        // First of all, so that a taken port is reported before a store is opened.
        let listener = match &settings.server.socket {
            Some(path) => listen_unix(path)?,
            None => listen(settings.server.listen, "server.listen")?,
        };
        let operations =
            settings.operations.listen.map(|addr| listen(addr, "operations.listen")).transpose()?;
        let certificate = match settings.tls.files() {
            Some((certificate, key)) => Some(Certificate::read(certificate, key)?),
            None => None,
        };
        let url = listener.url(certificate.is_some());
        let operations_url = operations.as_ref().map(|listener| listener.url(false));
        let bucket = stores::open(&settings).await?;
        let hosts = Hosts::new(&bucket.public_endpoints, &bucket.name, bucket.path_style)?;
        let named = bucket.named(&settings)?;
        let s3 = named.store.clone();
        let store_origins: Vec<_> = hosts.origins().map(str::to_owned).collect();
        let store_origin = hosts.first().origin().to_owned();
        let (verification, probing) = match settings.uploads.checksum.kind() {
            Some(kind) => (Verification::known(kind), None),
            // The embedded store is known.
            None if bucket.embedded.is_some() => (Verification::known(ChecksumKind::Crc64Nvme), None),
            None => {
                let (verification, probing) = Verification::probe(named.clone()).await;
                (verification, Some(probing))
            }
        };
        let metrics = Metrics::new();
        let measured = metrics.of(&named.name);
        let uploads = Uploads {
            store: Arc::new(Measured::new(Arc::new(s3.clone()), measured.clone())),
            bucket: bucket.name,
            region: bucket.region,
            hosts,
            credentials: named.credentials.clone(),
            policy: settings.uploads.policy(),
            form_max: bucket.post_forms.then_some(settings.uploads.form_max.as_u64()),
            verification: verification.clone(),
            url_lifetime: settings.uploads.url_lifetime,
            token_lifetime: settings.server.token_lifetime,
            tokens: TokenMint::new(&bucket.token_secret),
            metrics: measured.clone(),
        };
        let interval = settings.sweep.interval();
        let sweeping =
            named.is_swept.then(|| Timer::start(vec![(named.clone(), measured)], interval, sweep::GRACE));
        let data = AppData {
            uploads: Data::new(uploads),
            page: Data::new(PageSettings { connect_origins: store_origins }),
            readiness: Data::new(Readiness::new(vec![(named, verification)])),
            metrics: Data::new(metrics),
        };
        let operations = operations.map(|listener| serve_operations(&data, listener)).transpose()?;
        let server = serve(&settings, listener, certificate, &data)?;
        Ok(Self {
            server,
            operations,
            probing,
            sweeping,
            embedded: bucket.embedded,
            url,
            operations_url,
            store_origin,
            s3,
        })
    }

    /// Where the server listens, as `http://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Where metrics are, if that is elsewhere.
    #[must_use]
    pub fn operations_url(&self) -> Option<&str> {
        self.operations_url.as_deref()
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
        let operations = self.operations.map(|server| (server.handle(), tokio::spawn(server)));
        let outcome = self.server.await;
        tracing::info!("the server has stopped");
        if let Some((handle, task)) = operations {
            handle.stop(true).await;
            let _ = task.await;
        }
        if let Some(probing) = self.probing {
            probing.stop().await;
        }
        if let Some(sweeping) = self.sweeping {
            sweeping.stop().await;
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

/// What requests need, made once for all workers.
#[derive(Clone)]
struct AppData {
    uploads: Data<Uploads>,
    page: Data<PageSettings>,
    readiness: Data<Readiness>,
    metrics: Data<Metrics>,
}

pub(crate) fn listen(addr: SocketAddr, setting: &'static str) -> Result<Listener, StartError> {
    Listener::tcp(addr).map_err(|error| StartError::Listen { addr: addr.to_string(), setting, error })
}

fn listen_unix(path: &std::path::Path) -> Result<Listener, StartError> {
    let setting = "server.socket";
    let addr = path.display().to_string();
    Listener::unix(path.to_owned()).map_err(|error| StartError::Listen { addr, setting, error })
}

fn serve(
    settings: &Settings,
    listener: Listener,
    certificate: Option<Arc<Certificate>>,
    data: &AppData,
) -> Result<dev::Server, StartError> {
    let config = &settings.server;
    let max_body = Data::new(MaxBody(usize::try_from(config.max_body.as_u64()).unwrap_or(usize::MAX)));
    let host_names = Data::new(HostNames::new(config));
    let origins = config.allowed_origins.clone();
    let with_metrics = settings.operations.metrics && settings.operations.listen.is_none();
    let with_docs = settings.operations.docs;
    let data = data.clone();
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(data.uploads.clone())
            .app_data(data.page.clone())
            .app_data(data.readiness.clone())
            .app_data(data.metrics.clone())
            .app_data(max_body.clone())
            .app_data(host_names.clone())
            .wrap(cors(&origins))
            // Around the former, whose refusals of preflights are plain text.
            .wrap(problem::error_handlers())
            .wrap(from_fn(host::check))
            .wrap(from_fn(metrics::observe))
            .wrap(from_fn(telemetry::show_id))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(|config| {
                if with_metrics {
                    routes::configure_metrics(config);
                }
                if with_docs {
                    routes::configure_docs(config);
                }
            })
            .configure(routes::configure)
    })
    .shutdown_timeout(config.shutdown_timeout.as_secs())
    .shutdown_signal(told_to_stop())
    .client_request_timeout(time::Duration::from_secs(30));
    if let Some(workers) = config.workers {
        server = server.workers(workers);
    }
    let server = match (listener, certificate) {
        (Listener::Tcp(listener, _), None) => server.listen(listener)?,
        (Listener::Tcp(listener, _), Some(certificate)) => {
            // For as long as the process lives.
            drop(certificate.watch());
            server.listen_rustls_0_23(listener, certificate.server_config()?)?
        }
        #[cfg(unix)]
        (Listener::Unix(listener, _), _) => server.listen_uds(listener)?,
    };
    Ok(server.run())
}

/// Metrics and health at an address of their own. Nothing there is anybody's but the operator's.
fn serve_operations(data: &AppData, listener: Listener) -> io::Result<dev::Server> {
    let data = data.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.readiness.clone())
            .app_data(data.metrics.clone())
            .wrap(problem::error_handlers())
            .configure(routes::configure_operations)
    });
    let server = server.workers(1).disable_signals();
    Ok(match listener {
        Listener::Tcp(listener, _) => server.listen(listener)?,
        #[cfg(unix)]
        Listener::Unix(listener, _) => server.listen_uds(listener)?,
    }
    .run())
}

/// Ends when the process is told to: by SIGTERM, or by Ctrl-C.
async fn told_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => return,
            // An error means that there is no such signal here.
            Ok(()) = tokio::signal::ctrl_c() => return,
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Pages elsewhere may call the server if their origin is configured.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "DELETE"])
        .allow_any_header()
        .expose_headers([header::RETRY_AFTER, telemetry::REQUEST_ID])
        .max_age(7_200);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
