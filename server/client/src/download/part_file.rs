//! A file on its way: its bytes, and beside it the record of which are there.
//!
//! It has its name only once it is whole. Everything here blocks.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use partway_shared::download::Partial;
use partway_shared::wire::ObjectName;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::FileTarget;
use super::record::{Record, compare};
use crate::explain::io_reason;

/// Bytes of a name that are kept, so that the longer name of the part file is one that file systems take (255 bytes).
const MAX_NAME: usize = 200;

/// A file on its way.
#[derive(Debug)]
pub(super) struct PartFile {
    target: FileTarget,
    /// Who is asked for the object.
    scope: String,
    part: PathBuf,
    record: PathBuf,
    file: Mutex<Option<Arc<File>>>,
    /// Held while a record is written or removed, so that none is left of a file that has its name.
    recording: Mutex<()>,
}

impl PartFile {
    pub(super) fn new(target: FileTarget, scope: &str, object: &ObjectName) -> Self {
        let target = FileTarget { path: behind_links(target.path), ..target };
        let name = target.path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.get(..name.floor_char_boundary(MAX_NAME)).unwrap_or_default();
        let hidden = |extension| {
            target.path.with_file_name(format!(".{name}.{:016x}.{extension}", digest(scope, object)))
        };
        let (part, record) = (hidden("part"), hidden("partway"));
        Self {
            target,
            scope: scope.to_owned(),
            part,
            record,
            file: Mutex::default(),
            recording: Mutex::default(),
        }
    }

    /// Returns what is there from a run before, as far as it is what was written.
    ///
    /// # Errors
    /// When another process is writing it.
    pub(super) fn find(&self, object: &ObjectName) -> Result<Option<Partial>, String> {
        if !self.target.resume {
            return Ok(None);
        }
        let Some(mut partial) = Record::read(&self.record, &self.scope, object) else { return Ok(None) };
        let Ok(file) = OpenOptions::new().read(true).write(true).open(&self.part) else { return Ok(None) };
        self.lock(&file)?;
        if !self.target.trust {
            partial.ranges = compare(&file, &partial.ranges);
        }
        self.set(Some(Arc::new(file)));
        Ok((!partial.ranges.is_empty()).then_some(partial))
    }

    /// Makes room for so many bytes. Unless it `keeps` what is there, that is void.
    pub(super) fn open(&self, size: u64, keeps: bool) -> Result<(), String> {
        match fs::symlink_metadata(&self.target.path) {
            Ok(there) if there.is_dir() => {
                return Err(format!("{} is a folder", self.target.path.display()));
            }
            // A name that is too long would show at the end alone.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.unwritable(&error)),
            _ => {}
        }
        let opened = self.get();
        let is_open = opened.is_some();
        let file = match opened {
            Some(file) => file,
            None => {
                let mut options = OpenOptions::new();
                let file = options.read(true).write(true).create(true).truncate(false).open(&self.part);
                let file = file.map_err(|error| self.unwritable(&error))?;
                self.lock(&file)?;
                Arc::new(file)
            }
        };
        if !keeps || !is_open {
            let _ = fs::remove_file(&self.record);
            let made = file.set_len(0).and_then(|()| make_room(&file, size));
            made.map_err(|error| {
                // It is of no use to anybody.
                let _ = fs::remove_file(&self.part);
                self.unwritable(&error)
            })?;
        }
        self.set(Some(file));
        Ok(())
    }

    /// Writes bytes at their places.
    pub(super) fn write(&self, pieces: &[(u64, Bytes)]) -> Result<(), String> {
        let file = self.get().ok_or("the file is closed")?;
        for (offset, bytes) in pieces {
            file.write_all_at(bytes, *offset).map_err(|error| self.unwritable(&error))?;
        }
        Ok(())
    }

    /// Keeps what is there, which was written, for a run after this.
    pub(super) fn keep(&self, partial: Partial) -> Result<(), String> {
        let _recording = self.recording.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = self.get() else { return Ok(()) };
        let kept = file.sync_data().and_then(|()| Record::new(&self.scope, partial).write(&self.record));
        kept.map_err(|error| self.unwritable(&error))
    }

    /// Gives the file its name, once it is on the disk.
    pub(super) fn save(&self, stored_at: Option<i64>) -> Result<(), String> {
        let file = self.get().ok_or("the file is closed")?;
        let named = || {
            if let Some(time) = stored_at.filter(|_| self.target.preserve_mtime).and_then(time_of) {
                file.set_modified(time)?;
            }
            file.sync_all()?;
            fs::rename(&self.part, &self.target.path)
        };
        named().map_err(|error| self.unwritable(&error))?;
        if let Some(folder) = self.target.path.parent() {
            // Where a folder cannot be synced, the file is there all the same, until the power fails.
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        let _recording = self.recording.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = fs::remove_file(&self.record);
        self.set(None);
        Ok(())
    }

    /// Removes what is there.
    pub(super) fn discard(&self) {
        let _recording = self.recording.lock().unwrap_or_else(PoisonError::into_inner);
        if self.get().is_some() {
            let _ = fs::remove_file(&self.record);
            let _ = fs::remove_file(&self.part);
            self.set(None);
        }
    }

    /// Closes it. What is there stays if there is a record of it; otherwise nobody would ever know of it.
    pub(super) fn close(&self) {
        if self.record.exists() {
            self.set(None);
        } else {
            self.discard();
        }
    }

    fn lock(&self, file: &File) -> Result<(), String> {
        match file.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                Err(format!("another process is downloading to {}", self.target.path.display()))
            }
        }
    }

    fn unwritable(&self, error: &io::Error) -> String {
        format!("{}: {}", self.target.path.display(), io_reason(error))
    }

    fn get(&self) -> Option<Arc<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, file: Option<Arc<File>>) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
    }
}

/// Returns the file that a symbolic link leads to: it is that which is replaced, and not the link.
fn behind_links(path: PathBuf) -> PathBuf {
    if path.is_symlink() { fs::canonicalize(&path).unwrap_or(path) } else { path }
}

/// Takes the room from the file system, so that a full disk shows at once and not after hours.
fn make_room(file: &File, size: u64) -> io::Result<()> {
    if size == 0 {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::empty(), 0, size) {
        Ok(()) => Ok(()),
        // Some file systems cannot.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => file.set_len(size),
        Err(error) => Err(error.into()),
    }
}

fn time_of(millis: i64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(millis).ok()?))
}

/// Returns a number that tells objects apart. Two of the same would only share a file name, and see each other's record.
fn digest(scope: &str, object: &ObjectName) -> u64 {
    let ObjectName { destination, key, version_id } = object;
    let texts =
        [scope, destination.as_deref().unwrap_or_default(), key, version_id.as_deref().unwrap_or_default()];
    // FNV-1a, with an end to each text.
    let bytes = texts.into_iter().flat_map(|text| text.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
