//! Owns the port: connections, their threads, and how they end. Never knows what the operations do.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::oneshot;
use tower::Layer as _;
use tower_http::cors::CorsLayer;

use super::cors;
use super::front::{Front, linger};
use super::options::Options;
use super::service::{Service, lifecycle};

/// The number of threads that move bytes; hashing and files have blocking threads besides.
const THREADS: usize = 2;

/// How long requests under way may take after a shutdown was requested.
const GRACE: Duration = Duration::from_secs(10);

/// How long a client may take to send a request's head, and keep an idle connection open.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);

/// A store that is being served. Dropping it stops the service without waiting for requests under way.
pub struct Server {
    local_addr: SocketAddr,
    stop: Option<oneshot::Sender<Stop>>,
    stopped: oneshot::Receiver<()>,
}

enum Stop {
    Gracefully,
}

impl Server {
    /// Returns the address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Accepts no more requests, waits up to ten seconds for those under way, and closes the store. The data folder
    /// can then be opened again.
    pub async fn shutdown(mut self) {
        if let Some(stop) = self.stop.take() {
            // Fails, as does the wait, only if the thread has ended already.
            let _ = stop.send(Stop::Gracefully);
        }
        let _ = (&mut self.stopped).await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

/// Why a store cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The listener cannot be used, or the threads cannot be started.
    #[error("the embedded store cannot be served: {0}")]
    Io(#[from] io::Error),
    /// An allowed origin cannot be a header value.
    #[error("an allowed origin of the embedded store is not valid: {0}")]
    Origin(#[from] http::header::InvalidHeaderValue),
}

/// Starts the threads that serve `service`.
pub(crate) fn start(
    service: Service,
    options: &Options,
    listener: TcpListener,
) -> Result<Server, ServeError> {
    let local_addr = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let cors = cors::layer(&options.allowed_origins)?;
    let front = Front::new(&service, options);
    let tidying = service;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("embedded-store")
        .enable_all()
        .build()?;
    let (stop, stopping) = oneshot::channel();
    let (tell, stopped) = oneshot::channel();
    std::thread::Builder::new().name("embedded-store".to_owned()).spawn(move || {
        runtime.spawn(lifecycle::run(tidying));
        let front = Arc::new(front);
        let accepting = accept(listener, front, cors, stopping);
        if let Err(error) = runtime.block_on(accepting) {
            tracing::error!(%error, "the embedded store stopped");
        }
        // Ends what is still under way, and with it the last hold on the store.
        runtime.shutdown_timeout(Duration::from_secs(5));
        let _ = tell.send(());
    })?;
    Ok(Server { local_addr, stop: Some(stop), stopped })
}

async fn accept(
    listener: TcpListener,
    front: Arc<Front>,
    cors: CorsLayer,
    mut stop: oneshot::Receiver<Stop>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let connections = GracefulShutdown::new();
    let mut protocol = auto::Builder::new(TokioExecutor::new());
    protocol.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    protocol.http2().timer(TokioTimer::new());
    let asked = loop {
        let accepted = tokio::select! {
            asked = &mut stop => break asked,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, as a rule: wait for some to be closed.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was not set");
        }
        let front = Arc::clone(&front);
        let service = cors.layer(tower::service_fn(move |request| {
            let front = Arc::clone(&front);
            async move { Ok::<_, Infallible>(front.answer(peer, request).await) }
        }));
        let (stream, linger) = linger::split(stream);
        let connection = protocol.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = connections.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            linger.end().await;
        });
    };
    drop(listener);
    if let Ok(Stop::Gracefully) = asked
        && tokio::time::timeout(GRACE, connections.shutdown()).await.is_err()
    {
        tracing::warn!("requests to the embedded store were cut off by its shutdown");
    }
    Ok(())
}
