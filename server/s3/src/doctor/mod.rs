//! `partway doctor`: examines a store, reports what is missing, and repairs CORS and lifecycle rules on request.
//!
//! Each property is tried out. Probe objects are put under `.partway/` below the key prefix, and removed again. This
//! module knows the order of the checks; each file beside it knows one section.

mod access;
mod cors;
mod lifecycle;
mod report;
mod store_rules;

use crate::bucket::Bucket;
use crate::http_client::HttpClient;

pub use report::{Finding, Outcome, Report, Section, StoreReport};

/// What to examine, and whether to repair it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The origins of pages that upload.
    pub origins: Vec<String>,
    /// Whether to write missing CORS and lifecycle rules.
    pub fix: bool,
}

/// Examines these buckets, one after another.
pub async fn examine(stores: &[Bucket], options: &Options) -> Report {
    let http = HttpClient::default();
    let mut report = Report::default();
    for store in stores {
        report.stores.push(Box::pin(examine_one(store, options, &http)).await);
    }
    report
}

async fn examine_one(store: &Bucket, options: &Options, http: &HttpClient) -> StoreReport {
    let mut report = StoreReport::of(store);
    let credentials = access::credentials(store, http, &mut report).await;
    // Without them every other finding would be the same one.
    let Some(credentials) = credentials else { return report };
    if !access::permissions(store, &mut report).await {
        return report;
    }
    Box::pin(store_rules::examine(store, &credentials, http, &mut report)).await;
    cors::examine(store, &credentials, http, options, &mut report).await;
    lifecycle::examine(store, options.fix, &mut report).await;
    report
}
