//! Runs transfers to their end, or until somebody interrupts them.

use std::sync::Arc;

use partway_client::download::Download;
use partway_client::event::Event;
use partway_client::{Downloads, Upload, Uploads};
use partway_shared::transfer::FileId;
use partway_shared::upload::FileInfo;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use super::report::Report;

/// How a command ends that was interrupted, by the custom of shells: 128 and the signal's number.
pub(crate) const INTERRUPTED: u8 = 130;

/// Whatever transfers.
pub(crate) enum Driver {
    Up(Uploads),
    Down(Downloads),
}

/// Something to transfer.
pub(crate) enum Work {
    Upload(Upload),
    /// Standard input.
    Stream(FileInfo),
    Download(Download),
}

impl Driver {
    async fn add(&self, id: FileId, work: Work) {
        match (self, work) {
            (Self::Up(uploads), Work::Upload(upload)) => uploads.add(id, upload).await,
            (Self::Up(uploads), Work::Stream(info)) => {
                uploads.add_stream(id, Box::new(std::io::stdin()), info);
            }
            (Self::Down(downloads), Work::Download(download)) => downloads.add(id, download).await,
            _ => {}
        }
    }

    async fn park(&self) {
        match self {
            Self::Up(uploads) => uploads.park().await,
            Self::Down(downloads) => downloads.park().await,
        }
    }
}

/// Runs all work, each under its place in the list as its id. Returns the exit code.
pub(crate) async fn run(
    driver: Driver,
    mut events: UnboundedReceiver<Event>,
    all: Vec<Work>,
    report: &mut Report,
) -> Result<u8, String> {
    let trap = |kind| signal(kind).map_err(|error| format!("signals cannot be waited for: {error}"));
    let (mut interrupt, mut terminate) = (trap(SignalKind::interrupt())?, trap(SignalKind::terminate())?);
    let driver = Arc::new(driver);
    let mut left = all.len();
    let adding = {
        let driver = Arc::clone(&driver);
        tokio::spawn(async move {
            for (id, work) in (0..).map(FileId).zip(all) {
                driver.add(id, work).await;
            }
        })
    };
    let mut tick = tokio::time::interval(report.interval());
    while left > 0 {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => left -= usize::from(report.hear(event)),
                None => break,
            },
            _ = tick.tick() => report.tick(),
            _ = interrupt.recv() => return Ok(halt(&driver, &adding, &mut events, &mut interrupt, report).await),
            _ = terminate.recv() => return Ok(halt(&driver, &adding, &mut events, &mut interrupt, report).await),
        }
    }
    Ok(report.finish())
}

/// Halts everything, so that it can be gone on with; at once, if asked a second time.
async fn halt(
    driver: &Driver,
    adding: &tokio::task::JoinHandle<()>,
    events: &mut UnboundedReceiver<Event>,
    interrupt: &mut tokio::signal::unix::Signal,
    report: &mut Report,
) -> u8 {
    adding.abort();
    tokio::select! {
        () = driver.park() => {}
        _ = interrupt.recv() => {}
    }
    while let Ok(event) = events.try_recv() {
        report.hear(event);
    }
    report.interrupted();
    INTERRUPTED
}
