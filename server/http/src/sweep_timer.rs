//! The timer of the server that sweeps at intervals.

use std::sync::Arc;
use std::time::Duration;

use partway_s3::bucket::Bucket;
use partway_s3::sweep::{Mode, Swept, sweep};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::metrics::{DestinationMetrics, UploadOutcome};

/// How long a sweep under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// A timer that sweeps until it is stopped or dropped.
#[derive(Debug)]
pub struct Timer {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Timer {
    /// Starts sweeping each of these buckets about once per interval, of uploads whose tokens expired at least an
    /// hour ago.
    ///
    /// The times are random, so that replicas that started together drift apart.
    #[must_use]
    pub fn start(
        stores: Vec<(Arc<Bucket>, DestinationMetrics)>,
        interval: Duration,
        grace: Duration,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: tokio::spawn(run(stores, interval, grace, stopped)) }
    }

    /// Stops the timer, after the sweep under way.
    pub async fn stop(self) {
        drop(self.stop);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(GRACE, self.task).await.is_err() {
            abort.abort();
        }
    }
}

async fn run(
    stores: Vec<(Arc<Bucket>, DestinationMetrics)>,
    interval: Duration,
    grace: Duration,
    mut stopped: oneshot::Receiver<()>,
) {
    // The first soon, so that a server which is restarted often sweeps all the same.
    let mut wait = interval.mul_f64(0.1 * random());
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            () = tokio::time::sleep(wait) => {}
        }
        for (store, metrics) in &stores {
            sweep_one(store, metrics, grace).await;
        }
        wait = interval.mul_f64(0.9 + 0.2 * random());
    }
}

async fn sweep_one(store: &Bucket, metrics: &DestinationMetrics, grace: Duration) {
    let min_age = store.token_lifetime.saturating_add(grace);
    let outcome = sweep(store, store.sweeping, Mode::Remove, min_age, |expired, error| {
        let (key, upload_id) = (expired.left.key(), expired.left.upload_id());
        let age_seconds = expired.age.as_secs();
        match error {
            None => {
                metrics.upload(UploadOutcome::swept);
                tracing::info!(
                    store = store.label,
                    upload.id = upload_id,
                    upload.key = key,
                    age_seconds,
                    "upload swept"
                );
            }
            Some(error) => {
                tracing::warn!(store = store.label, upload.id = upload_id, upload.key = key, age_seconds, %error, "sweeping an upload failed");
            }
        }
    });
    let store = &store.label;
    match outcome.await {
        Ok(Swept { seen, expired: 0, .. }) => tracing::debug!(store, seen, "nothing to sweep"),
        Ok(Swept { seen, removed, failed, .. }) => tracing::info!(store, seen, removed, failed, "swept"),
        Err(error) => {
            tracing::warn!(store, %error, "what is left of uploads could not be listed, and nothing was swept");
        }
    }
}

/// Returns a number between 0 and 1, or a half where the system provides no random bytes.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}
