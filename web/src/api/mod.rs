//! What JavaScript sees: options that come in, events that go out. `partway_web.d.ts` is generated from here, and the scripts are
//! checked against it. It never knows how an upload is done.

#[cfg(target_family = "wasm")]
mod copy;
#[cfg(target_family = "wasm")]
mod event;
mod options;

#[cfg(target_family = "wasm")]
pub(crate) use copy::read_copy;
#[cfg(target_family = "wasm")]
pub(crate) use event::{EngineEvent, ResumableEntry, UploadStatus};
#[cfg(target_family = "wasm")]
pub use options::EngineOptions;
