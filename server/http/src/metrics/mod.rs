//! Metrics for Prometheus: how much is uploaded, and how long operations take.
//!
//! It owns the counters and their names, and knows no upload: others say what has happened. Labels are names of routes,
//! operations and destinations: few, and none of them from a client.

mod http;

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub use http::observe;

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The buckets of histograms in seconds, from 100 µs, for signing a window of parts, to a minute, for completing a
/// large object.
const SECONDS: [f64; 14] =
    [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// The outcome of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "as it stands in the label")]
pub enum UploadOutcome {
    /// It was created.
    created,
    /// It was not created: its file was refused, or the store failed.
    refused,
    /// It was verified and completed.
    completed,
    /// It was not completed, for now: the request and the store differ, or the store failed.
    uncompleted,
    /// Its client aborted it.
    aborted,
    /// It was removed after its token had expired.
    swept,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDestination {
    destination: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfUpload {
    destination: Arc<str>,
    outcome: UploadOutcome,
}

/// The outcome of an operation on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "as it stands in the label")]
pub enum ObjectOutcome {
    /// It was done.
    done,
    /// It was refused: not permitted, not there, or not as it was.
    refused,
    /// The store or the server failed.
    failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfObject {
    destination: Arc<str>,
    operation: &'static str,
    outcome: ObjectOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCall {
    destination: Arc<str>,
    operation: &'static str,
    outcome: &'static str,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// All metrics of a server.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    uploads: Family<OfUpload, Counter>,
    bytes: Family<OfDestination, Counter>,
    objects: Family<OfObject, Counter>,
    urls: Family<OfDestination, Counter>,
    signing: Histograms<OfDestination>,
    calls: Histograms<OfCall>,
    requests: Histograms<http::OfRequest>,
}

/// The metrics of one destination.
#[derive(Clone, Debug)]
pub struct DestinationMetrics {
    all: Metrics,
    destination: Arc<str>,
    /// The counter of signed URLs, looked up once since every request needs it.
    urls: Counter,
    signing: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Creates metrics, all at zero.
    #[must_use]
    pub fn new() -> Self {
        let uploads = Family::default();
        let (bytes, objects, urls) = (Family::default(), Family::default(), Family::default());
        let make: fn() -> Histogram = || Histogram::new(SECONDS);
        let signing = Histograms::new_with_constructor(make);
        let calls = Histograms::new_with_constructor(make);
        let requests = Histograms::new_with_constructor(make);
        let mut registry = Registry::with_prefix("partway");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running version", build);
        registry.register("uploads", "Uploads, by what became of them", uploads.clone());
        registry.register_with_unit("uploaded", "Bytes of completed uploads", Unit::Bytes, bytes.clone());
        registry.register("objects", "Operations on objects, by what became of them", objects.clone());
        registry.register("signed_urls", "Presigned URLs and forms that were given out", urls.clone());
        let seconds = Unit::Seconds;
        registry.register_with_unit(
            "signing",
            "Time that signing took, by request",
            seconds.clone(),
            signing.clone(),
        );
        registry.register_with_unit(
            "store_call",
            "Time that calls to the store took",
            seconds.clone(),
            calls.clone(),
        );
        registry.register_with_unit("http_request", "Time that requests took", seconds, requests.clone());
        Self { registry: Arc::new(registry), uploads, bytes, objects, urls, signing, calls, requests }
    }

    /// Returns all metrics in the text format of Prometheus.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// Returns the metrics of one destination.
    #[must_use]
    pub fn of(&self, destination: &str) -> DestinationMetrics {
        let destination: Arc<str> = destination.into();
        let label = OfDestination { destination: Arc::clone(&destination) };
        DestinationMetrics {
            urls: self.urls.get_or_create_owned(&label),
            signing: self.signing.get_or_create_owned(&label),
            all: self.clone(),
            destination,
        }
    }
}

impl DestinationMetrics {
    /// Counts the outcome of an upload.
    pub fn upload(&self, outcome: UploadOutcome) {
        let label = OfUpload { destination: Arc::clone(&self.destination), outcome };
        self.all.uploads.get_or_create(&label).inc();
    }

    /// Counts a completed upload of this size in bytes.
    pub fn completed(&self, size: u64) {
        self.upload(UploadOutcome::completed);
        self.all
            .bytes
            .get_or_create(&OfDestination { destination: Arc::clone(&self.destination) })
            .inc_by(size);
    }

    /// Counts what became of operations on objects.
    pub fn objects(&self, operation: &'static str, outcome: ObjectOutcome, count: u64) {
        let label = OfObject { destination: Arc::clone(&self.destination), operation, outcome };
        self.all.objects.get_or_create(&label).inc_by(count);
    }

    /// Counts signed URLs, and the time that signing them took.
    pub fn signed(&self, urls: usize, since: Instant) {
        self.urls.inc_by(urls as u64);
        self.signing.observe(since.elapsed().as_secs_f64());
    }

    /// Records the duration of a call to the store.
    pub fn call(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        let label = OfCall { destination: Arc::clone(&self.destination), operation, outcome };
        self.all.calls.get_or_create(&label).observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::new();
        let destination = metrics.of("default");
        destination.upload(UploadOutcome::created);
        destination.completed(1_000);
        destination.signed(3, Instant::now());
        destination.objects("delete", ObjectOutcome::done, 2);
        destination.call("list_parts", "ok", Duration::from_millis(3));
        let text = metrics.text();
        for line in [
            r#"partway_uploads_total{destination="default",outcome="completed"} 1"#,
            r#"partway_uploaded_bytes_total{destination="default"} 1000"#,
            r#"partway_signed_urls_total{destination="default"} 3"#,
            r#"partway_objects_total{destination="default",operation="delete",outcome="done"} 2"#,
            r#"partway_signing_seconds_count{destination="default"} 1"#,
            r#"partway_store_call_seconds_bucket{le="0.005",destination="default",operation="list_parts",outcome="ok"} 1"#,
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
