//! What `cp`, `cat` and `uploads` share: which server is asked, what is transferred, and what is told of it.
//!
//! It owns the command line's side of transfers. How bytes move, `partway_client` knows.

pub(crate) mod connection;
pub(crate) mod files;
pub(crate) mod objects;
pub(crate) mod options;
pub(crate) mod report;
pub(crate) mod runner;
pub(crate) mod threads;
