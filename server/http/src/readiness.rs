//! Readiness: whether each store is reachable, accepts the credentials, and is known.

use std::sync::Arc;
use std::time::Duration;

use partway_s3::bucket::Bucket;
use partway_s3::store::{StoreError, UploadRef};
use partway_s3::verification::Verification;
use partway_shared::error::{ErrorCode, Problem};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long an answer is cached, as monitors and load balancers ask often and at the same time.
const GOOD_FOR: Duration = Duration::from_secs(3);
/// The timeout of a store, which is short for a healthy one.
const PATIENCE: Duration = Duration::from_secs(5);
/// The id of an upload that no store has.
const NO_UPLOAD: &str = "partway-readiness";

/// Checks the stores on request, but not too often.
#[derive(Debug)]
pub struct Readiness {
    buckets: Vec<(Arc<Bucket>, Verification)>,
    /// The last answer; locked during a check, so that concurrent requests share one.
    last: Mutex<Option<(Instant, Ready)>>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Ready {
    /// `ready` or `not_ready`.
    pub status: &'static str,
    /// The state of each store.
    pub stores: Vec<StoreReady>,
}

/// The state of one store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StoreReady {
    /// The store's label.
    pub name: String,
    /// `ready`, or the code of the error.
    pub status: &'static str,
}

impl Ready {
    /// Returns whether all stores are ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.stores.iter().all(|store| store.status == "ready")
    }
}

impl Readiness {
    /// Creates the readiness of these stores.
    #[must_use]
    pub fn new(buckets: Vec<(Arc<Bucket>, Verification)>) -> Self {
        Self { buckets, last: Mutex::default() }
    }

    /// Returns the state of the stores, at most 3 seconds old.
    pub async fn look(&self) -> Ready {
        let mut last = self.last.lock().await;
        if let Some((at, ready)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return ready.clone();
        }
        let looks = self.buckets.iter().map(|(bucket, verification)| async move {
            let status = look(bucket, verification).await.err().map_or("ready", |problem| {
                tracing::warn!(store = bucket.label, %problem, "not ready");
                problem.code.as_str()
            });
            StoreReady { name: bucket.label.clone(), status }
        });
        let stores = futures_util::future::join_all(looks).await;
        let mut ready = Ready { status: "ready", stores };
        if !ready.is_ready() {
            ready.status = "not_ready";
        }
        last.insert((Instant::now(), ready)).1.clone()
    }
}

async fn look(bucket: &Bucket, verification: &Verification) -> Result<(), Problem> {
    let key = format!("{}.partway/readiness", bucket.key_prefix);
    // It takes the permissions that the server has anyway, and says of an upload that is not there that it is not:
    // the signature was good then.
    let asked = bucket.store.list_parts(UploadRef { key: &key, upload_id: NO_UPLOAD });
    match tokio::time::timeout(PATIENCE, asked).await {
        // A store may have something against the name of the upload; it has answered to the credentials by then.
        Ok(Ok(_) | Err(StoreError::NoSuchUpload | StoreError::Misbehaved(_))) => {}
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => {
            return Err(Problem::new(ErrorCode::StoreUnavailable, format!("no answer within {PATIENCE:?}")));
        }
    }
    verification.kind().map(drop)
}
