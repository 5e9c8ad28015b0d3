//! The binary, started as an operator starts it: what its commands print, how they end, and what they never tell.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod commands;
mod documented;
mod documents;
mod objects;
mod presign;
mod secrets;
mod server;
mod shell;
mod through_server;
mod transfers;
