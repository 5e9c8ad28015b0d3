//! Owns the port: connections, their threads, and how they end. Never knows what the operations do.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use s3s::auth::{S3Auth, SecretKey};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use secrecy::ExposeSecret as _;
use tokio::sync::oneshot;
use tower::Layer as _;

use super::contents::ContentId;
use super::cors;
use super::drain::{Home, Shared};
use super::options::Options;
use super::service::Service;

/// Two threads move bytes; hashing and files have blocking threads beside them.
const THREADS: usize = 2;

/// How long requests that are under way may go on after a shutdown is asked for.
const GRACE: Duration = Duration::from_secs(10);

/// How long a client may take to send a request's head, and keep an idle connection open.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);

/// A store that is being served. Dropping it stops the service without waiting for requests that
/// are under way.
pub struct Server {
    local_addr: SocketAddr,
    stop: Option<oneshot::Sender<Stop>>,
    stopped: oneshot::Receiver<()>,
}

enum Stop {
    Gracefully,
}

impl Server {
    /// The address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Takes no more requests, lets those that are under way end, for ten seconds at most, and
    /// closes the store. The data folder can be opened again afterwards.
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

/// Why a store could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The listener cannot be used, or the threads cannot be started.
    #[error("the embedded store cannot be served: {0}")]
    Io(#[from] io::Error),
    /// An allowed origin cannot be the value of a header.
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
    let s3 = protocol(service, options);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("embedded-store")
        .enable_all()
        .build()?;
    let (stop, stopping) = oneshot::channel();
    let (tell, stopped) = oneshot::channel();
    std::thread::Builder::new().name("embedded-store".to_owned()).spawn(move || {
        let app = App { s3: Arc::new(s3) };
        let answer = cors.layer(tower::service_fn(move |request| {
            let app = app.clone();
            async move { Ok::<_, Infallible>(app.answer(request).await) }
        }));
        let accepting = accept(listener, TowerToHyperService::new(answer), stopping);
        if let Err(error) = runtime.block_on(accepting) {
            tracing::error!(%error, "the embedded store stopped");
        }
        // Ends what is still under way, and with it the last hold on the store.
        runtime.shutdown_timeout(Duration::from_secs(5));
        let _ = tell.send(());
    })?;
    Ok(Server { local_addr, stop: Some(stop), stopped })
}

/// The protocol layer: parses requests, checks signatures, writes answers.
fn protocol(service: Service, options: &Options) -> S3Service {
    let mut config = S3Config::default();
    config.expected_region = s3s::region::Region::new(options.region.as_str().into()).ok();
    config.sig_v4_allowed_services = vec!["s3".to_owned()];
    // Signed chunks are held in memory until their signature is checked; SDKs send 64 KiB to 1 MiB.
    config.aws_chunked_stream_max_chunk_size = 16 << 20;
    config.xml_max_body_size = 4 << 20;
    config.form_max_fields_size = 1 << 20;
    config.form_max_field_size = 64 << 10;
    let mut builder = S3ServiceBuilder::new(service);
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.set_auth(OneKey {
        access_key: options.access_key.clone(),
        secret_key: options.secret_key.expose_secret().into(),
    });
    builder.build()
}

/// The one key that requests may be signed with.
struct OneKey {
    access_key: String,
    secret_key: SecretKey,
}

#[async_trait::async_trait]
impl S3Auth for OneKey {
    async fn get_secret_key(&self, access_key: &str) -> s3s::S3Result<SecretKey> {
        if access_key == self.access_key {
            Ok(self.secret_key.clone())
        } else {
            Err(s3s::s3_error!(InvalidAccessKeyId, "the access key id is not this store's"))
        }
    }
}

async fn accept<S>(listener: TcpListener, service: S, mut stop: oneshot::Receiver<Stop>) -> io::Result<()>
where
    S: hyper::service::Service<Request<Incoming>, Response = Response<s3s::Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
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
        let stream = match accepted {
            Ok((stream, _)) => stream,
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
        let connection = protocol.serve_connection(TokioIo::new(stream), service.clone()).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
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

#[derive(Clone)]
struct App {
    s3: Arc<S3Service>,
}

impl App {
    async fn answer(&self, request: Request<Incoming>) -> Response<s3s::Body> {
        let home = Home::default();
        let request = request.map(|body| s3s::Body::http_body_unsync(Shared::new(body, home.clone())));
        let mut response = self.s3.call(request).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the protocol layer failed");
            let mut response = Response::new(s3s::Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        });
        home.drain();
        if let Ok(id) = ContentId::random()
            && let Ok(id) = HeaderValue::from_str(&format!("{:016X}", id.0 >> 64))
        {
            response.headers_mut().insert(HeaderName::from_static("x-amz-request-id"), id);
        }
        response
    }
}
