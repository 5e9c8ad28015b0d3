//! Harness for whole-system tests: the `partway` binary as its users run it, a
//! real browser, and proxies before server and store that do damage on order.
//!
//! It knows Partway from outside only: the command line, the page, HTTP and the
//! store's S3 interface.

pub mod binary;
pub mod browser;
pub mod files;
pub mod npm;
pub mod objects;
pub mod page;
mod process;
pub mod processes;
pub mod proxy;
pub mod pypi;
pub mod server;
pub mod stack;
pub mod wait;
