//! Partway's downloads in the browser: fetches objects from the store, hashes their bytes and writes them, as the download machine
//! of `partway-shared` decides.
//!
//! - `engine` is the one class that JavaScript sees, and `api` what it takes and tells: options and events;
//! - `session` decides, and knows no browser: commands and outcomes go in, work and events come out;
//! - `io` does the work, by web-sys.
//!
//! It is a module of its own, which pages that only upload never load. It never knows the store's credentials.
//!
//! Bytes enter wasm memory to be hashed only. What is written is the buffer that the browser has filled.

#![cfg_attr(not(target_family = "wasm"), allow(dead_code, unreachable_pub))]

// Elsewhere than in a browser nothing but tests calls what is here.
#[cfg(any(target_family = "wasm", test))]
mod api;
#[cfg(target_family = "wasm")]
mod engine;
#[cfg(target_family = "wasm")]
mod io;
#[cfg(any(target_family = "wasm", test))]
mod session;

#[cfg(target_family = "wasm")]
pub use api::{EngineOptions, Target};
#[cfg(target_family = "wasm")]
pub use engine::{DownloadEntry, Engine};
