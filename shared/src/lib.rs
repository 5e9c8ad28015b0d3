//! The pure half of Partway: what the browser, the server and the tests agree on.
//!
//! It owns the wire types, the error codes, S3's limits, the part plan, the
//! checksums, the upload and the download machine, and what a client's calls and a store's answers are over HTTP. It knows no clock, no socket, no file and
//! no DOM: time and randomness come in as arguments, work goes out as values.

pub mod checksum;
pub mod client;
pub mod download;
pub mod error;
pub mod limits;
#[cfg(feature = "openapi")]
mod openapi;
pub mod part;
pub mod plan;
pub mod progress;
pub mod retry;
pub mod store;
pub mod time;
pub mod transfer;
pub mod upload;
pub mod wire;
