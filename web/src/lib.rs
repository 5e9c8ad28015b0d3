//! Partway in the browser: slices files, hashes the slices and sends them to the store, as the upload machine of
//! `partway-shared` decides.
//!
//! - `engine` is the one class that JavaScript sees, and `api` what it takes and tells: options and events;
//! - `session` decides, and knows no browser: commands and outcomes go in, effects and events come out;
//! - `io` carries effects out, by web-sys and gloo-net.
//!
//! It never knows the store's credentials, nor the rules for keys: these are the server's.
//!
//! File bytes enter wasm memory to be hashed only. What is sent, the browser reads from disk itself.

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
pub use api::EngineOptions;
#[cfg(target_family = "wasm")]
pub use engine::{Engine, FileEntry};
