//! A file that is uploaded: its bytes, and whether it is still the file that it was. Everything here blocks.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use partway_shared::limits::MIB;
use partway_shared::transfer::SourceFailure;

/// Files up to this size are opened for each reading, since there may be many of them.
const SMALL: u64 = 16 * MIB;

/// A file, and what it was when it was first seen.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    seen: Identity,
    file: Mutex<Option<Arc<File>>>,
}

/// What tells a file from another, and from itself after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    /// Bytes.
    pub(super) size: u64,
    /// Nanoseconds since 1970.
    pub(super) modified: i128,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
        }
    }
}

impl Source {
    /// Looks at a file.
    ///
    /// # Errors
    /// When it is not there, or is none.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let metadata = std::fs::metadata(&path)?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        Ok(Self { path, seen: Identity::of(&metadata), file: Mutex::default() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn identity(&self) -> Identity {
        self.seen
    }

    /// Opens the file, if it is still what it was.
    pub(super) fn open(&self) -> Result<Arc<File>, SourceFailure> {
        let mut kept = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*kept {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(File::open(&self.path).map_err(|error| failure(&error))?);
        let metadata = file.metadata().map_err(|error| failure(&error))?;
        if Identity::of(&metadata) != self.seen {
            return Err(SourceFailure::Changed);
        }
        if self.seen.size > SMALL {
            *kept = Some(Arc::clone(&file));
        }
        Ok(file)
    }

    /// Checks that the path still leads to the file, and the file is what it was.
    pub(super) fn check(&self) -> Result<(), SourceFailure> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| failure(&error))?;
        if Identity::of(&metadata) == self.seen { Ok(()) } else { Err(SourceFailure::Changed) }
    }
}

/// Fills a buffer with bytes of a file.
pub(super) fn read(file: &File, buffer: &mut [u8], at: u64) -> Result<(), SourceFailure> {
    file.read_exact_at(buffer, at).map_err(|error| failure(&error))
}

fn failure(error: &io::Error) -> SourceFailure {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => SourceFailure::Changed,
        _ => SourceFailure::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "abc").unwrap();
        let source = Source::new(&path).unwrap();
        assert_eq!(source.identity().size, 3);
        assert_eq!(source.check(), Ok(()));
        let mut buffer = [0; 2];
        read(&source.open().unwrap(), &mut buffer, 1).unwrap();
        assert_eq!(&buffer, b"bc");
        assert_eq!(read(&source.open().unwrap(), &mut buffer, 2), Err(SourceFailure::Changed));
        // Another file of the same size and time.
        let other = folder.path().join("b");
        std::fs::write(&other, "xyz").unwrap();
        File::open(&other)
            .unwrap()
            .set_modified(std::fs::metadata(&path).unwrap().modified().unwrap())
            .unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(source.check(), Err(SourceFailure::Changed));
        assert_eq!(source.open().map(drop), Err(SourceFailure::Changed));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(source.check(), Err(SourceFailure::Changed));
        assert!(Source::new(folder.path()).is_err());
    }
}
