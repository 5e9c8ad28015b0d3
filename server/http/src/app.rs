//! The application: takes settings, and serves on the configured ports.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer, dev};
use partway_s3::store::BucketStore;
use tracing_actix_web::TracingLogger;

use crate::config::Settings;
use crate::host::HostNames;
use crate::listen::Listener;
use crate::mount::{BuildError, Partway};
use crate::origins::AllowedOrigins;
use crate::routes::Audience;
use crate::telemetry::RequestSpan;
use crate::tls::{Certificate, TlsError};
use crate::{host, metrics, problem, routes, telemetry};

/// How long a client may go on sending a body that was refused. Closing earlier would make the system reset the
/// connection, and the client discard the refusal.
const LINGER: Duration = Duration::from_secs(5);

/// A server that is bound to its ports, and does not answer yet.
pub struct Application {
    server: dev::Server,
    operations: Option<dev::Server>,
    partway: Partway,
    url: String,
    operations_url: Option<String>,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings, a store or the identity cannot be used.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The server cannot listen on an address.
    #[error("cannot listen on {addr} (set by {setting}): {error}")]
    Listen {
        /// The address.
        addr: String,
        /// The setting that gives it.
        setting: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP server failed to start.
    #[error("the server does not start: {0}")]
    Server(#[from] io::Error),
}

impl Application {
    /// Opens the stores, binds the ports, and creates the HTTP servers.
    ///
    /// # Errors
    /// When a setting, a port, the certificate, a store or the identity cannot be used.
    pub async fn build(settings: Settings) -> Result<Self, StartError> {
        settings.validate().map_err(BuildError::from)?;
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
        let partway = Box::pin(Partway::builder(settings.clone()).build()).await?;
        let operations = operations
            .map(|listener| serve_operations(&partway, listener, settings.operations.docs))
            .transpose()?;
        let server = serve(&settings, listener, certificate, partway.clone())?;
        Ok(Self { server, operations, partway, url, operations_url })
    }

    /// Returns the server's URL, as `http://host:port` or `unix:path`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Returns the URL of metrics, if `operations.listen` is set.
    #[must_use]
    pub fn operations_url(&self) -> Option<&str> {
        self.operations_url.as_deref()
    }

    /// Returns the origin to which browsers send parts; the first one if there are several.
    #[must_use]
    pub fn store_origin(&self) -> &str {
        self.partway.store_origin()
    }

    /// Returns the default destination's store, with the server's credentials.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn BucketStore> {
        self.partway.store()
    }

    /// Answers requests until the process receives SIGINT or SIGTERM, then finishes those under way.
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
        self.partway.stop().await;
        outcome
    }

    /// Returns a handle that stops the server.
    #[must_use]
    pub fn handle(&self) -> dev::ServerHandle {
        self.server.handle()
    }
}

fn listen(addr: SocketAddr, setting: &'static str) -> Result<Listener, StartError> {
    Listener::tcp(addr).map_err(|error| StartError::Listen { addr: addr.to_string(), setting, error })
}

fn listen_unix(path: &Path) -> Result<Listener, StartError> {
    let setting = "server.socket";
    let addr = path.display().to_string();
    Listener::unix(path.to_owned()).map_err(|error| StartError::Listen { addr, setting, error })
}

fn serve(
    settings: &Settings,
    listener: Listener,
    certificate: Option<Arc<Certificate>>,
    partway: Partway,
) -> Result<dev::Server, StartError> {
    let config = &settings.server;
    let host_names = Data::new(HostNames::new(config));
    let origins = AllowedOrigins::parse(&config.allowed_origins)
        .map_err(|(_, why)| io::Error::new(io::ErrorKind::InvalidInput, why))?;
    let origins = Arc::new(origins);
    let with_metrics = settings.operations.metrics && settings.operations.listen.is_none();
    let with_docs = settings.operations.docs;
    let audience = if settings.operations.public { Audience::Everybody } else { Audience::ThisMachine };
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(host_names.clone())
            .app_data(partway.readiness())
            .app_data(partway.metrics())
            .wrap(cors(&origins))
            // Around the former, whose refusals of preflights are plain text.
            .wrap(problem::error_handlers())
            .wrap(from_fn(host::check))
            .wrap(from_fn(metrics::observe))
            .wrap(from_fn(telemetry::show_id))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(partway.routes())
            .configure(routes::configure_health)
            .configure(|config| {
                #[cfg(feature = "widget")]
                config.configure(routes::configure_page);
                if with_metrics {
                    config.configure(routes::configure_metrics(audience));
                }
                if with_docs {
                    config.configure(routes::configure_docs(audience));
                }
            })
    })
    .shutdown_timeout(config.shutdown_timeout.as_secs())
    .shutdown_signal(shutdown_signal())
    .client_request_timeout(config.request_timeout)
    .client_disconnect_timeout(LINGER);
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

/// Serves metrics, health and the API's description at their own address, for operators.
fn serve_operations(partway: &Partway, listener: Listener, with_docs: bool) -> io::Result<dev::Server> {
    let partway = partway.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(partway.readiness())
            .app_data(partway.metrics())
            .wrap(problem::error_handlers())
            .configure(routes::configure_health)
            .configure(routes::configure_metrics(Audience::Everybody))
            .configure(|config| {
                if with_docs {
                    config.configure(routes::configure_docs(Audience::Everybody));
                }
            })
    });
    let server = server.workers(1).disable_signals();
    Ok(match listener {
        Listener::Tcp(listener, _) => server.listen(listener)?,
        #[cfg(unix)]
        Listener::Unix(listener, _) => server.listen_uds(listener)?,
    }
    .run())
}

/// Resolves when the process receives SIGTERM or Ctrl-C.
async fn shutdown_signal() {
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

/// Returns the CORS of the API: pages of the configured origins may call it.
fn cors(origins: &Arc<AllowedOrigins>) -> Cors {
    let origins = Arc::clone(origins);
    Cors::default()
        .allowed_methods(["GET", "HEAD", "POST"])
        .allowed_origin_fn(move |origin, _| origin.to_str().is_ok_and(|origin| origins.allow(origin)))
        .allow_any_header()
        .expose_headers([header::RETRY_AFTER, telemetry::REQUEST_ID])
        // Cookies may say who asks, to the application or to a proxy in front. The origins are named, so that nobody else's
        // page can use them.
        .supports_credentials()
        .max_age(7_200)
}
