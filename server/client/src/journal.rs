//! Uploads that were interrupted: a file each below the user's state folder, so that a later process goes on with them.
//!
//! It owns the files, who may read them, and which process runs which upload. It never knows how an upload goes on. Everything here
//! blocks.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use partway_shared::checksum::ChecksumKind;
use partway_shared::plan::Strategy;
use partway_shared::wire::CreationId;
use serde::{Deserialize, Serialize};

use crate::clock::unix_millis;

/// The folder of records.
#[derive(Clone, Debug)]
pub struct Journal(PathBuf);

/// An upload that was interrupted, or is running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub(crate) form: u32,
    /// The upload's name, which tells it from all others.
    pub id: CreationId,
    /// Who was asked, such as the endpoint of a server.
    pub scope: String,
    /// The file, by its absolute path.
    pub source: PathBuf,
    /// When the file was modified, in nanoseconds since 1970.
    pub modified: i128,
    /// The file's size in bytes.
    pub size: u64,
    /// The name that it was given.
    pub name: String,
    /// The path that it was given.
    pub path: Option<String>,
    /// The media type that it was given.
    pub content_type: Option<String>,
    /// The destination that it was given.
    pub destination: Option<String>,
    /// Where the object will be.
    pub key: String,
    /// Whose upload it is.
    pub owner: String,
    /// What every request about it carries.
    pub token: String,
    /// How many host names the parts are signed for.
    pub hosts: u32,
    /// How the file is cut.
    pub strategy: Strategy,
    /// Whether what is not sent yet may be cut otherwise.
    pub may_recut: bool,
    /// How its parts are checked.
    pub checksum: ChecksumKind,
    /// Bytes that the store had acknowledged.
    pub stored: u64,
    /// When the token expires, in milliseconds since 1970.
    pub expires_at: u64,
    /// When this was written, in milliseconds since 1970.
    pub written_at: u64,
}

/// The right to run an upload, which no other process has meanwhile. Dropping it gives it back.
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "it is kept for its lock alone")] File);

/// Why an upload cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum NoClaim {
    /// Another process is running it.
    #[error("another process is running this upload")]
    Busy,
    /// The folder cannot be written.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Record {
    /// The form that this version writes. A record of another form is not read.
    pub(crate) const FORM: u32 = 1;

    /// Whether its token has expired, so that it can only be begun anew.
    #[must_use]
    pub fn has_expired(&self) -> bool {
        self.expires_at <= unix_millis()
    }

    /// Whether the file is there, and is what it was when the upload was begun, as far as its size and time tell.
    #[must_use]
    pub fn has_its_file(&self) -> bool {
        fs::metadata(&self.source).is_ok_and(|metadata| {
            let modified = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
            (metadata.size(), modified) == (self.size, self.modified)
        })
    }
}

impl Journal {
    /// Opens the folder `partway/uploads` below `$XDG_STATE_HOME`, or `~/.local/state`, and makes it if it is not there.
    ///
    /// # Errors
    /// When there is no home folder, or the folder cannot be made.
    pub fn open() -> io::Result<Self> {
        let base = etcetera::choose_base_strategy()
            .map_err(|error| io::Error::new(io::ErrorKind::NotFound, error.to_string()))?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Self::open_at(state.join("partway/uploads"))
    }

    /// Opens this folder, and makes it if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open_at(folder: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }

    /// Returns all records, the latest last. What is no record is passed over.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let mut records: Vec<_> = paths.filter_map(|path| read(&path)).collect();
        records.sort_by_key(|record| record.written_at);
        records
    }

    /// Claims an upload for this process.
    ///
    /// # Errors
    /// When another process has it, or the folder cannot be written.
    pub fn claim(&self, id: CreationId) -> Result<Claim, NoClaim> {
        let mut options = OpenOptions::new();
        let file =
            options.write(true).create(true).truncate(false).mode(0o600).open(self.file(id, "lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Claim(file)),
            Err(TryLockError::WouldBlock) => Err(NoClaim::Busy),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Writes a record, which replaces the one before of the same upload. It should be claimed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, record: &Record) -> io::Result<()> {
        let draft = self.file(record.id, "draft");
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(record)?)?;
        file.sync_data()?;
        fs::rename(&draft, self.file(record.id, "json"))
    }

    /// Removes a record. One that is not there is no error.
    pub fn remove(&self, id: CreationId) {
        for extension in ["json", "draft", "lock"] {
            let _ = fs::remove_file(self.file(id, extension));
        }
    }

    fn file(&self, id: CreationId, extension: &str) -> PathBuf {
        self.0.join(format!("{id}.{extension}"))
    }
}

fn read(path: &Path) -> Option<Record> {
    let record: Record = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (record.form == Record::FORM).then_some(record)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn record(id: u8) -> Record {
        Record {
            form: Record::FORM,
            id: CreationId::new([id; 16], Some(1)),
            scope: "http://a.test".to_owned(),
            source: PathBuf::from("/a"),
            modified: -5,
            size: 20 << 20,
            name: "a".to_owned(),
            path: None,
            content_type: None,
            destination: None,
            key: "k/a".to_owned(),
            owner: "me".to_owned(),
            token: "secret".to_owned(),
            hosts: 1,
            strategy: Strategy::equal(8 << 20),
            may_recut: true,
            checksum: ChecksumKind::Crc64Nvme,
            stored: 0,
            expires_at: 1,
            written_at: u64::from(id),
        }
    }

    #[test]
    fn records_are_for_their_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("partway/uploads");
        let journal = Journal::open_at(path.clone()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        journal.write(&record(2)).unwrap();
        journal.write(&record(1)).unwrap();
        fs::write(path.join("other.json"), "{}").unwrap();
        assert_eq!(journal.records(), [record(1), record(2)]);
        for entry in fs::read_dir(&path).unwrap().flatten() {
            let name = entry.file_name();
            assert!(mode(&entry.path()) == 0o600 || name == "other.json", "{name:?}");
        }
        journal.remove(record(1).id);
        assert_eq!(journal.records(), [record(2)]);
    }

    #[test]
    fn an_upload_is_run_once() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open_at(folder.path().to_owned()).unwrap();
        let claim = journal.claim(record(1).id).unwrap();
        assert!(matches!(journal.claim(record(1).id), Err(NoClaim::Busy)));
        assert!(journal.claim(record(2).id).is_ok());
        drop(claim);
        assert!(journal.claim(record(1).id).is_ok());
    }
}
