//! A store that speaks S3, as the server of uploads needs it.
//!
//! It owns the calls around an upload ([`store`]), presigned URLs and forms ([`signing`]), the attributes of objects
//! ([`attributes`]), finding out what a store does ([`probe`], [`verification`], [`doctor`]), and removing expired
//! uploads ([`sweep`]). It never knows the caller, the policy, or that there is an HTTP server.

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
pub mod terms;
pub mod verification;
