//! The Partway server: decides who may upload what, signs URLs for the parts, and
//! completes uploads after checking them against the store.
//!
//! It knows nothing of how a client schedules parts, and no file byte passes through it.

pub mod app;
mod causes;
pub mod config;
mod cross_site;
pub mod destinations;
pub mod doctor;
pub mod embedded;
mod excerpt;
pub mod hooks;
pub mod host;
pub mod identity;
pub mod json;
mod keyed;
pub mod limits;
pub mod listen;
pub mod local;
pub mod metrics;
pub mod mount;
pub mod openapi;
pub mod origins;
mod outgoing;
pub mod policy;
pub mod problem;
pub mod readiness;
pub mod redact;
pub mod routes;
pub mod signing;
pub mod store;
pub mod stores;
pub mod sweep;
pub mod telemetry;
pub mod tls;
pub mod token;
pub mod uploads;
pub mod verification;
