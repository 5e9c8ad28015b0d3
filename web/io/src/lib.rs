//! What both of Partway's engines need of a browser: the one that uploads, and the one that downloads.
//!
//! It owns calls to Partway's server, time and timers, the thread that an engine runs in, the journal's database, and how options
//! are read and errors are told. It never knows what is transferred, nor how.
//!
//! What the browser gives is wasm's alone; [`options`] and [`reports`] are tested natively.

#![cfg_attr(not(target_family = "wasm"), allow(dead_code, unreachable_pub))]

#[cfg(target_family = "wasm")]
pub mod clock;
#[cfg(target_family = "wasm")]
pub mod event;
#[cfg(target_family = "wasm")]
pub mod journal;
pub mod options;
pub mod reports;
#[cfg(target_family = "wasm")]
pub mod scope;
#[cfg(target_family = "wasm")]
pub mod server;
