//! Traces for OpenTelemetry: each request's span, sent to a collector by OTLP over HTTP.
//!
//! They hold what the log holds and no more. Only in binaries built with the feature `otel`.

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::is_harmless;

/// What sends spans to the collector at this address, such as `http://127.0.0.1:4318/v1/traces`.
///
/// # Errors
/// When that is no address.
pub(super) fn layer<S>(
    endpoint: &str,
) -> Result<(impl Layer<S> + use<S>, SdkTracerProvider), ExporterBuildError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name("partway").with_attribute(version).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("partway"));
    Ok((layer.with_filter(filter_fn(is_harmless)), provider))
}
