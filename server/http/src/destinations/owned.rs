//! A destination for a program that holds the bucket's credentials: the whole bucket, with exactly the keys that it says.

use std::sync::Arc;
use std::time::Duration;

use partway_s3::bucket::Bucket;
use partway_s3::store::StoreError;
use partway_s3::verification::Verification;
use partway_shared::limits::MAX_PRESIGN_SECONDS;
use partway_shared::wire::Operation;

use crate::config::UploadsConfig;
use crate::measured::Measured;
use crate::metrics::Metrics;
use crate::policy::{KeyScope, Policy};

use super::Destination;

/// How long a token is valid: as long as an unfinished upload is worth keeping.
const TOKEN_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Destination {
    /// Returns a destination of the bucket's name that keeps no key from its caller. `observe` hears each error of the store, whose
    /// words a problem leaves out.
    ///
    /// The policy is the caller's as far as it says how objects are stored and split; what may be done where is all there is.
    #[must_use]
    pub fn owned(
        bucket: Arc<Bucket>,
        verification: Verification,
        policy: Policy,
        observe: impl Fn(&StoreError) + Send + Sync + 'static,
    ) -> Self {
        let metrics = Metrics::new().of(&bucket.name);
        let measured = Measured::new(Arc::clone(&bucket.store), metrics.clone()).observed_by(observe);
        let measured = Arc::new(measured);
        Self {
            name: bucket.name.clone(),
            verification,
            url_lifetime: UploadsConfig::default().url_lifetime,
            form_max: None,
            store: Arc::clone(&measured) as _,
            objects: measured,
            policy: Policy {
                key_prefix: String::new(),
                callers_own_bucket: true,
                inline_active_types: true,
                allow: vec![Operation::Get, Operation::List, Operation::Delete, Operation::Copy],
                scope: KeyScope::default(),
                ..policy
            },
            token_lifetime: TOKEN_LIFETIME,
            read_lifetime: Duration::from_secs(MAX_PRESIGN_SECONDS),
            link_lifetime: Duration::from_secs(MAX_PRESIGN_SECONDS),
            metrics,
            bucket,
        }
    }
}
