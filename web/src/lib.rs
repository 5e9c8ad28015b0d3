//! Partway in the browser: the engine around the upload machine of `partway-shared`.
//!
//! It decides, and the host in `js/engine` does: reads slices of files, calls the server, PUTs `Blob` slices, keeps
//! the journal. Between them go messages, as JSON, and time comes in as a number. So nothing in here waits, and
//! none of it needs a browser to be tested. It never sees credentials, and file bytes come in to be hashed only.

mod control;
mod driver;
mod engine;
mod journal;
mod json;
mod keeper;
mod offers;
mod options;
mod replies;
mod report;
mod requests;

pub use engine::Engine;

/// The standard library's own is made for more than an engine holds, and weighs 5 kB more.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
