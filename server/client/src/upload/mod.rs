//! Uploads: the upload machine, driven by files and HTTP.
//!
//! `driver` does what the machine asks for, `source` reads files and sees whether they change, `stream` reads what can be read once, `memory` holds what was read until it is
//! sent, `put` sends it, `local` is what is here of
//! one file, `keeper` keeps the journal.

mod driver;
mod keeper;
mod local;
mod memory;
mod put;
mod source;
mod stream;

use std::path::PathBuf;

pub use driver::Uploads;

/// A file to upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// The file.
    pub source: PathBuf,
    /// The name that it is to have.
    pub name: String,
    /// Its path within a folder, with `/` between the names, the last of which is its own.
    pub path: Option<String>,
    /// Where it should go; none is the server's default.
    pub destination: Option<String>,
    /// Its media type, if known.
    pub content_type: Option<String>,
    /// Whether to go on with an upload of the same file to the same place that was interrupted.
    pub resume: bool,
}
