//! Opening destinations: the stores, what is found out of them, and the rules of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use partway_shared::checksum::ChecksumKind;
use secrecy::SecretString;

use crate::config::{ChecksumSetting, Settings};
use crate::embedded::Server as EmbeddedServer;
use crate::metrics::Metrics;
use crate::store::Measured;
use crate::store::named::NamedStore;
use crate::stores::{OpenStores, OpenStoresError};
use crate::verification::{Known, Probing, Verification};

use super::{Bucket, Destination, Destinations};

/// Destinations that can be used.
pub struct Opened {
    /// What is where.
    pub destinations: Destinations,
    /// The buckets that they are in, each once, for what looks after them.
    pub stores: Vec<(NamedStore, Verification)>,
    /// What is still being found out of the stores.
    pub probings: Vec<Probing>,
    /// What upload tokens are signed with.
    pub token_secret: SecretString,
    /// The store within the binary, if it is used.
    pub embedded: Option<EmbeddedServer>,
}

/// Opens what is configured.
///
/// # Errors
/// Says what is in the way.
pub async fn open(settings: &Settings, metrics: &Metrics) -> Result<Opened, OpenStoresError> {
    let OpenStores { stores, token_secret, embedded } = OpenStores::serve(settings).await?;
    let mut configured = settings.destinations();
    // At the same time, since each may wait for its store to answer.
    let verified = join_all(stores.iter().map(|named| verify(named, settings.uploads.checksum))).await;
    let mut destinations = BTreeMap::new();
    let (mut verified_stores, mut probings) = (Vec::new(), Vec::new());
    for (named, (verification, probing)) in stores.into_iter().zip(verified) {
        let bucket = Arc::new(Bucket::new(&named, verification.clone(), &settings.uploads));
        let store = Arc::new(named.store.clone());
        for name in &named.destinations {
            let Some(config) = configured.remove(name) else { continue };
            let metrics = metrics.of(name);
            let destination = Destination {
                name: name.clone(),
                store: Arc::new(Measured::new(Arc::clone(&store) as _, metrics.clone())),
                bucket: Arc::clone(&bucket),
                policy: config.policy(&settings.uploads),
                token_lifetime: config.token_lifetime(&settings.server),
                metrics,
            };
            destinations.insert(name.clone(), destination);
        }
        verified_stores.push((named, verification));
        probings.extend(probing);
    }
    let destinations = Destinations::new(destinations.into_values().collect());
    Ok(Opened { destinations, stores: verified_stores, probings, token_secret, embedded })
}

/// How uploads to a bucket are checked, as far as that is known yet.
async fn verify(named: &NamedStore, checksum: ChecksumSetting) -> (Verification, Option<Probing>) {
    match checksum.kind() {
        kind if named.is_embedded => {
            let known = Known::embedded(kind.unwrap_or(ChecksumKind::Crc64Nvme));
            (Verification::known(known), None)
        }
        Some(kind) => (Verification::known(Known::unseen(kind)), None),
        None => {
            let (verification, probing) = Verification::probe(named.clone()).await;
            (verification, Some(probing))
        }
    }
}
