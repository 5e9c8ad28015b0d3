//! The application: settings in, listening ports out.

use std::io;
use std::net::{SocketAddr, TcpListener};

use actix_cors::Cors;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use tracing_actix_web::TracingLogger;

use crate::config::{IdentityKind, ServerConfig, Settings};
use crate::host::HostNames;
use crate::mount::{BuildError, Partway};
use crate::store::S3Store;
use crate::telemetry::RequestSpan;
use crate::{host, problem, routes};

/// A server that listens and has not begun to answer.
pub struct Application {
    server: actix_web::dev::Server,
    partway: Partway,
    addr: SocketAddr,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings, the stores or the identity.
    #[error(transparent)]
    Build(#[from] BuildError),
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
        settings.validate().map_err(BuildError::from)?;
        // First of all, so that a taken port is reported before a store is opened.
        let listener = listen(settings.server.listen, "server.listen")?;
        let addr = listener.local_addr()?;
        let (config, identity) = (settings.server.clone(), settings.identity.kind);
        let partway = Partway::builder(settings).build().await?;
        let server = serve(&config, identity, listener, partway.clone())?;
        Ok(Self { server, partway, addr })
    }

    /// Where the server listens, as `http://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where browsers send the parts; the first of several names.
    #[must_use]
    pub fn store_origin(&self) -> &str {
        self.partway.store_origin()
    }

    /// The store with the server's own credentials.
    #[must_use]
    pub fn store(&self) -> &S3Store {
        self.partway.store()
    }

    /// Answers until the process is told to stop (SIGINT, SIGTERM), then finishes what is under way.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self) -> io::Result<()> {
        let outcome = self.server.await;
        tracing::info!("the server has stopped");
        self.partway.stop().await;
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
    identity: IdentityKind,
    listener: TcpListener,
    partway: Partway,
) -> io::Result<actix_web::dev::Server> {
    let host_names = Data::new(HostNames::new(config));
    let origins = config.allowed_origins.clone();
    // The application's cookies say who asks, so that pages elsewhere have to be able to send them.
    let cookies = identity == IdentityKind::Forward;
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(host_names.clone())
            .wrap(cors(&origins, cookies))
            // Around the former, whose refusals of preflights are plain text.
            .wrap(problem::error_handlers())
            .wrap(from_fn(host::check))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(partway.routes())
            .configure(routes::configure_server)
    })
    .shutdown_timeout(config.shutdown_timeout.as_secs())
    .client_request_timeout(config.request_timeout);
    if let Some(workers) = config.workers {
        server = server.workers(workers);
    }
    Ok(server.listen(listener)?.run())
}

/// Pages elsewhere may call the server if their origin is configured.
fn cors(origins: &[String], cookies: bool) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "DELETE"])
        .allow_any_header()
        .expose_headers([header::RETRY_AFTER])
        .max_age(7_200);
    let cors = if cookies { cors.supports_credentials() } else { cors };
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
