//! Waiting for a condition, with a deadline and a reason.

use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

/// Looks until `check` gives something.
///
/// # Errors
/// When `check` fails, or gives nothing until the deadline.
pub async fn wait_for<T>(
    what: impl Display,
    timeout: Duration,
    mut check: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(found) = check().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {timeout:?} for {what}, in vain");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
