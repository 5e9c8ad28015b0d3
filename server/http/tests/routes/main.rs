//! The routes over real HTTP, against the embedded store: the server as the widget, a careless
//! page and a hostile client see it.
//!
//! Stories that end well come first, then what is refused. Each test starts an application of
//! its own on free ports.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

// Kept in the order in which they are best read.

mod upload;

mod recut;
mod streams;

mod batch;
mod bodies;

mod resume;

mod complete;
mod complete_many;

mod differing;
mod forms;
mod hosts;
mod md5;
mod probe;

mod abort;
mod finality;
mod sweep;

mod replicas;

mod caller;
mod codes;
mod garbage;
mod refusals;

mod tokens;

mod forward;
mod identity;
mod tickets;

mod attributes;
mod destinations;
mod sniffing;

mod hooks;

mod copies;
mod links;
mod objects;

mod abuse;
mod quotas;

mod mounted;

mod cors;
mod expect;
mod health;
mod host;
mod log;
mod openapi;
mod operations;
mod start;
mod stop;

mod doctor;
mod listening;

mod support;
