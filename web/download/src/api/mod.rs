//! What JavaScript sees: options that come in, events that go out. `partway_web_download.d.ts` is generated from here, and the
//! scripts are checked against it. It never knows how a download is done.

#[cfg(target_family = "wasm")]
mod event;
mod options;

#[cfg(target_family = "wasm")]
pub(crate) use event::{DownloadStatus, EngineEvent, ResumableEntry};
#[cfg_attr(not(target_family = "wasm"), allow(unused_imports))]
pub use options::{EngineOptions, Target};
