//! Partway in the browser: drives the upload machine of `partway-shared`.
//!
//! The machine decides, this crate does: it reads and hashes slices of files, calls
//! the server, PUTs `Blob` slices by `XMLHttpRequest`, and tells JavaScript what
//! happened. It runs in a page or in a worker. It never sees credentials, and file
//! bytes enter wasm memory to be hashed only.

mod chunks;
mod control;
mod driver;
mod engine;
mod environment;
mod hashing;
mod headers;
mod journal;
mod keeper;
mod lock;
mod object;
mod options;
mod put;
mod replies;
mod report;
mod requests;
mod source;

pub use engine::Engine;
