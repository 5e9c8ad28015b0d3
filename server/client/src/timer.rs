//! Wakes a driver when its machine is due.

use std::sync::Weak;
use std::time::{Duration, Instant};

use partway_shared::time::Time;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::clock::Clock;

/// A driver that is woken.
pub(crate) trait Timed: Send + Sync + 'static {
    /// The time has come.
    fn wake(&self);
}

/// When a driver is to be woken. Dropping it ends the waiting.
#[derive(Debug)]
pub(crate) struct Timer(watch::Sender<Option<Time>>);

impl Timer {
    /// Begins to wait for a driver that is about to be there.
    pub(crate) fn new<D: Timed>(runtime: &Handle, clock: Clock, driver: Weak<D>) -> Self {
        let (sender, mut due) = watch::channel(None::<Time>);
        runtime.spawn(async move {
            loop {
                let at = *due.borrow_and_update();
                let changed = match at {
                    None => due.changed().await,
                    Some(at) => {
                        // Even one that is overdue leaves others a turn.
                        let at = clock.instant(at).max(Instant::now() + Duration::from_millis(1));
                        tokio::select! {
                            changed = due.changed() => changed,
                            () = tokio::time::sleep_until(at.into()) => {
                                let Some(driver) = driver.upgrade() else { return };
                                driver.wake();
                                Ok(())
                            }
                        }
                    }
                };
                if changed.is_err() {
                    return;
                }
            }
        });
        Self(sender)
    }

    /// Sets the time, or none.
    pub(crate) fn set(&self, due: Option<Time>) {
        self.0.send_if_modified(|current| {
            let is_new = *current != due;
            *current = due;
            is_new
        });
    }
}
