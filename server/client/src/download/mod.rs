//! Downloads: the download machine, driven by HTTP, files and writers.
//!
//! `driver` does what the machine asks for, `fetch` makes its requests, `part_file` and `ordered` are where bytes go, `record` is what is
//! kept so that a download goes on after a crash.

mod driver;
mod fetch;
mod ordered;
mod part_file;
mod record;
mod sink;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use partway_shared::wire::ObjectName;

pub use driver::Downloads;

/// An object to download, and where to.
#[derive(Debug)]
pub struct Download {
    /// Which one.
    pub object: ObjectName,
    /// Where its bytes go.
    pub target: Target,
}

/// Where bytes go.
pub enum Target {
    /// Into a file, in any order.
    File(FileTarget),
    /// To a pipe or a device, in order.
    Writer(Box<dyn Write + Send>),
}

/// A file to be written. It has its name only once all bytes are there and verified; until then they are in `.NAME.….part` beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTarget {
    /// The file. Its folder has to be there; a file that is there is replaced.
    pub path: PathBuf,
    /// Whether to go on from what is there from a run before. Otherwise the download begins anew.
    pub resume: bool,
    /// Whether what is there is taken for what was written, without reading it again.
    pub trust: bool,
    /// Whether the file gets the time at which the object was stored.
    pub preserve_mtime: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.fmt(f),
            Self::Writer(_) => f.write_str("Writer"),
        }
    }
}
