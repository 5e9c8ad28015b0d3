//! The embedded store over real HTTP, as the SDK, browsers and hostile clients see it.
//!
//! `durability` starts this very binary again as a process of its own, to kill it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

mod clients;
mod connections;
mod copies;
mod durability;
mod http;
mod listing;
mod multipart;
mod objects;
mod support;

#[path = "../common/mod.rs"]
mod common;
