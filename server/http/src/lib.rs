//! The Partway server: decides who may upload what, hands out signed URLs for the parts, and completes uploads after checking
//! them against the store.
//!
//! It owns the settings (`config`), who asks ([`identity`]), where uploads may go and by which rules ([`destinations`],
//! [`policy`]), what happens to them ([`uploads`], [`token`]), the application's say ([`hooks`]), the counters, the [`routes`] and
//! the log ([`telemetry`]). [`mount`] puts all of it together for any application, and [`app`] listens with it. It never knows how
//! a client schedules parts, nor the command line, and no file byte passes through it.

pub mod app;
mod batch;
pub mod caller;
pub mod config;
pub mod copies;
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
pub mod objects;
pub mod origins;
pub mod policy;
pub mod problem;
pub mod quotas;
pub mod readiness;
pub mod redact;
pub mod routes;
mod seal;
pub mod signing_secret;
mod spelling;
pub mod stores;
pub mod sweep_timer;
pub mod telemetry;
pub mod tls;
pub mod token;
pub mod uploads;
mod verifying_key;
