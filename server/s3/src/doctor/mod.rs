//! Looks at a bucket as it is, says what is missing, and mends what can be mended: `partway doctor`.
//!
//! It owns the findings, and never knows uploads, nor where a report goes. Everything is tried out, nothing is believed. What is
//! put into the store lies under `.partway/` below the key prefix, and is removed again. This module knows the order of the
//! examination; each file beside it knows one part of it.

mod access;
mod cors;
mod lifecycle;
mod report;
mod store_rules;

use crate::bucket::Bucket;
use crate::http_client::{HttpClient, TIMEOUT};

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
    let mut report = Report::default();
    let http = match HttpClient::new(TIMEOUT) {
        Ok(http) => http,
        Err(why) => {
            report.stores.extend(stores.iter().map(|bucket| {
                let mut report = StoreReport::of(bucket);
                report.add(Section::Access, "certificates", Outcome::Failure, why.clone());
                report
            }));
            return report;
        }
    };
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
