//! The Partway server: decides who may upload what, signs the URLs of parts, and completes uploads after comparing
//! them with the store.
//!
//! It does not know how a client schedules parts, and no file byte passes through it.

pub mod app;
pub mod caller;
pub mod config;
mod cross_site;
pub mod destinations;
pub mod embedded_secrets;
mod excerpt;
pub mod hooks;
pub mod host;
pub mod identity;
pub mod json;
pub mod listen;
mod measured;
pub mod metrics;
pub mod mount;
pub mod origins;
mod outgoing;
pub mod policy;
pub mod problem;
pub mod quotas;
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
