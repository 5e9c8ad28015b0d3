//! The log: structured, and without secrets.
//!
//! Requests are logged by route, never by path or query, which may hold a token by mistake. Libraries log requests
//! with their signatures below the level `info`, so these levels are off for them, whatever the filter says. Each
//! address in a line is reduced to its origin (`redact`).

#[cfg(feature = "otel")]
mod otel;

use std::io::IsTerminal;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tracing::{Level, Metadata, Span};
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::config::LogFormat;
use crate::redact::Redacting;

/// Sends the log to standard error.
///
/// # Errors
/// When the filter is not valid.
pub fn init(filter: &str, format: LogFormat) -> Result<(), ParseError> {
    init_to(filter, format, std::io::stderr, std::io::stderr().is_terminal())
}

/// Sends the log to standard error, and traces to an OpenTelemetry collector, if there is one.
///
/// # Errors
/// When the filter or the collector's URL is not valid, or the binary lacks the feature `otel`.
pub fn init_traced(filter: &str, format: LogFormat, collector: Option<&str>) -> Result<Traces, InitError> {
    let Some(collector) = collector else {
        init(filter, format)?;
        return Ok(Traces::default());
    };
    let (layer, traces) = traces(collector)?;
    install(filter, format, std::io::stderr, std::io::stderr().is_terminal(), Some(layer))?;
    Ok(traces)
}

/// Why the log or the traces cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter is not valid.
    #[error("server.log: {0}")]
    Filter(#[from] ParseError),
    /// Traces cannot be sent.
    #[error("operations.otlp_endpoint: {0}")]
    Traces(String),
}

/// The exporter of traces, which runs as long as the server.
#[derive(Debug, Default)]
pub struct Traces {
    #[cfg(feature = "otel")]
    provider: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

impl Traces {
    /// Sends the traces that are left.
    pub async fn finish(self) {
        #[cfg(feature = "otel")]
        if let Some(provider) = self.provider {
            // It waits for the collector.
            let ended = tokio::task::spawn_blocking(move || provider.shutdown()).await;
            if let Ok(Err(error)) = ended {
                tracing::warn!(%error, "the last traces could not be sent");
            }
        }
    }
}

type TraceLayer = Box<dyn Layer<Registry> + Send + Sync>;

#[cfg(feature = "otel")]
fn traces(collector: &str) -> Result<(TraceLayer, Traces), InitError> {
    let made = otel::layer(collector).map_err(InitError::Traces)?;
    Ok((Box::new(made.0), Traces { provider: Some(made.1) }))
}

#[cfg(not(feature = "otel"))]
fn traces(_: &str) -> Result<(TraceLayer, Traces), InitError> {
    Err(InitError::Traces("this binary was built without the feature `otel`".to_owned()))
}

/// Sends the log to `writer`, with or without colours.
///
/// # Errors
/// When the filter is not valid.
pub fn init_to<W>(filter: &str, format: LogFormat, writer: W, colours: bool) -> Result<(), ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    install(filter, format, writer, colours, None)
}

fn install<W>(
    filter: &str,
    format: LogFormat,
    writer: W,
    colours: bool,
    traces: Option<TraceLayer>,
) -> Result<(), ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter)?;
    let log = fmt::layer().with_writer(Redacting(writer)).with_ansi(colours);
    let log = match format {
        LogFormat::Text => log.with_filter(filter_fn(is_harmless)).boxed(),
        LogFormat::Json => log.json().flatten_event(true).with_filter(filter_fn(is_harmless)).boxed(),
    };
    // A second call, as from several tests in one process, leaves the first in place.
    let _ = tracing_subscriber::registry().with(traces).with(filter).with(log).try_init();
    Ok(())
}

/// Returns whether an event may be logged at all.
fn is_harmless(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_ours = target == "partway" || target.starts_with("partway_") || target.starts_with("partway::");
    is_ours || *metadata.level() <= Level::INFO
}

/// Adds the request's id to the answer, by which it is found in the log.
///
/// # Errors
/// Those of the inner service.
pub async fn show_id(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let id = request.extensions().get::<RequestId>().map(ToString::to_string);
    let mut response = next.call(request).await?;
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id).ok()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(response)
}

/// The header of the request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Creates one span per request, named after its route.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().map(ToString::to_string);
        let route = request.match_pattern();
        let route = route.as_deref().unwrap_or("(none)");
        // Those of traces stay empty, and out of the log, where there are none.
        let span = tracing::info_span!(
            "request",
            id,
            method = %request.method(),
            route,
            status = tracing::field::Empty,
            otel.name = tracing::field::Empty,
            otel.kind = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        );
        #[cfg(feature = "otel")]
        otel::begin(&span, request.method(), route);
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("status", status.as_u16());
        #[cfg(feature = "otel")]
        otel::end(&span, status);
        span.in_scope(|| {
            if status.is_server_error() {
                tracing::warn!("failed");
            } else if status.is_client_error() {
                tracing::info!("refused");
            } else {
                tracing::debug!("answered");
            }
        });
    }
}
