//! Opens the configured destinations: the stores, the probes of what they verify, and the policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use partway_embedded::Server as EmbeddedServer;
use partway_s3::bucket::Bucket;
use partway_s3::verification::{Known, Probing, Verification};
use partway_shared::checksum::ChecksumKind;
use secrecy::SecretString;

use crate::config::{ChecksumSetting, Settings};
use crate::measured::Measured;
use crate::metrics::Metrics;
use crate::stores::{OpenStores, OpenStoresError};

use super::{Destination, Destinations};

/// The destinations, and what runs for them.
pub struct Opened {
    /// The destinations.
    pub destinations: Destinations,
    /// The buckets, each once, for sweep and readiness.
    pub buckets: Vec<(Arc<Bucket>, Verification)>,
    /// The probes of stores that have not answered yet.
    pub probings: Vec<Probing>,
    /// The secret that signs upload tokens.
    pub token_secret: SecretString,
    /// The embedded store, if it is used.
    pub embedded: Option<EmbeddedServer>,
}

/// Opens the configured stores and destinations.
///
/// # Errors
/// When a store cannot be opened.
pub async fn open(settings: &Settings, metrics: &Metrics) -> Result<Opened, OpenStoresError> {
    let OpenStores { buckets: opened, token_secret, embedded } = OpenStores::serve(settings).await?;
    let mut configured = settings.destinations();
    // At the same time, since each may wait for its store to answer.
    let verified = join_all(opened.iter().map(|bucket| verify(bucket, settings.uploads.checksum))).await;
    let mut destinations = BTreeMap::new();
    let (mut buckets, mut probings) = (Vec::new(), Vec::new());
    for (bucket, (verification, probing)) in opened.into_iter().zip(verified) {
        let bucket = Arc::new(bucket);
        let form_max = bucket.post_forms.then_some(settings.uploads.form_max.as_u64());
        for name in &bucket.destinations {
            let Some(config) = configured.remove(name) else { continue };
            let metrics = metrics.of(name);
            let measured = Arc::new(Measured::new(Arc::clone(&bucket.store), metrics.clone()));
            let destination = Destination {
                name: name.clone(),
                store: Arc::clone(&measured) as _,
                objects: measured,
                bucket: Arc::clone(&bucket),
                verification: verification.clone(),
                url_lifetime: settings.uploads.url_lifetime,
                form_max,
                policy: config.policy(&settings.uploads),
                token_lifetime: config.token_lifetime(&settings.server),
                read_lifetime: config.objects.url_lifetime.unwrap_or(settings.uploads.url_lifetime),
                link_lifetime: config.objects.link_lifetime,
                metrics,
            };
            destinations.insert(name.clone(), destination);
        }
        buckets.push((bucket, verification));
        probings.extend(probing);
    }
    let destinations = Destinations::new(destinations.into_values().collect());
    Ok(Opened { destinations, buckets, probings, token_secret, embedded })
}

/// Returns how uploads to a bucket are verified, and the probe if one is running.
async fn verify(bucket: &Bucket, checksum: ChecksumSetting) -> (Verification, Option<Probing>) {
    match checksum.kind() {
        kind if bucket.is_embedded => {
            let known = Known::embedded(kind.unwrap_or(ChecksumKind::Crc64Nvme));
            (Verification::known(known), None)
        }
        Some(kind) => (Verification::known(Known::unseen(kind)), None),
        None => {
            let (verification, probing) = Verification::probe(bucket.clone()).await;
            (verification, Some(probing))
        }
    }
}
