//! Threads for transfers: reading, hashing and writing keep more than one busy, where the server's own loop is one thread.

use std::error::Error;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Runs work on threads of its own, one for each processor.
pub(crate) async fn run<R, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<R, Box<dyn Error>>
where
    R: Send + 'static,
    F: Future<Output = Result<R, String>>,
{
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let (sender, result) = oneshot::channel();
    std::thread::Builder::new().name("transfer".to_owned()).spawn(move || {
        let outcome = runtime.block_on(work());
        // Work that was given up may still wait for a disk or a pipe.
        runtime.shutdown_background();
        let _ = sender.send(outcome);
    })?;
    Ok(result
        .await
        .map_err(|_| "the transfer ended without a result, which is a fault of this program")??)
}
