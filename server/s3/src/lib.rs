//! A store that speaks S3, as the server of uploads needs it.
//!
//! It owns the calls around an upload ([`store`]), presigned URLs and forms ([`signing`]), what an object has beside its bytes
//! ([`attributes`]), what a store turns out to do ([`probe`], [`verification`], [`doctor`]), and removing what nobody finished
//! ([`sweep`]). It never knows who asks, what is allowed, or that there is an HTTP server.

pub mod attributes;
pub mod bucket;
pub mod discover;
pub mod doctor;
pub mod error_chain;
pub mod hmac;
pub mod http_client;
pub mod probe;
pub mod signing;
pub mod store;
pub mod sweep;
pub mod verification;
