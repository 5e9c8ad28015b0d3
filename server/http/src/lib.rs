//! The Partway server: decides who may upload what, signs URLs for the parts, and
//! completes uploads after checking them against the store.
//!
//! It knows nothing of how a client schedules parts, and no file byte passes through it.

pub mod app;
pub mod caller;
pub mod config;
mod cross_site;
pub mod destinations;
mod excerpt;
pub mod hooks;
pub mod host;
pub mod identity;
pub mod json;
pub mod limits;
pub mod listen;
pub mod local;
mod measured;
pub mod metrics;
pub mod mount;
pub mod origins;
pub mod policy;
pub mod problem;
pub mod readiness;
pub mod redact;
pub mod routes;
pub mod signing_secret;
mod spelling;
pub mod stores;
pub mod sweep_timer;
pub mod telemetry;
pub mod tls;
pub mod token;
pub mod uploads;
mod verifying_key;
