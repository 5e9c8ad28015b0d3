//! OpenTelemetry traces: the span of each request, sent to a collector by OTLP over HTTP.
//!
//! They contain what the log contains. Only in binaries with the feature `otel`.

use actix_web::http::{Method, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::is_harmless;

/// Returns a layer that sends spans to the collector at this URL, such as `http://127.0.0.1:4318/v1/traces`.
///
/// # Errors
/// When the URL is not valid.
pub(super) fn layer<S>(endpoint: &str) -> Result<(impl Layer<S> + use<S>, SdkTracerProvider), String>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let url = Url::parse(endpoint).map_err(|error| format!("it is not a URL: {error}"))?;
    if url.scheme() != "http" {
        // The exporter would need a second stack of TLS.
        return Err("it is not http://…; a collector beside the server can send on by TLS".to_owned());
    }
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(|error| error.to_string())?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name("partway").with_attribute(version).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("partway"))
        // Where the source was when it was compiled, and which thread it was, tell an operator nothing.
        .with_location(false)
        .with_threads(false);
    Ok((layer.with_filter(filter_fn(is_harmless)), provider))
}

/// Names a request's span after OpenTelemetry's conventions.
pub(super) fn begin(span: &Span, method: &Method, route: &str) {
    span.record("otel.name", format!("{method} {route}"));
    span.record("otel.kind", "server");
}

/// Sets the status of a request's span: an error of the client is not one of the server.
pub(super) fn end(span: &Span, status: StatusCode) {
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}
