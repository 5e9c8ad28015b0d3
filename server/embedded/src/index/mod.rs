//! Owns the index: one file that records buckets, objects, uploads and parts, and the content files that they use.
//! Each change is one durable transaction. Never knows HTTP.
//!
//! Reads run on blocking threads. Writes run on one thread, which takes all waiting ones into one transaction and one
//! `fsync`; so a write must check everything before it changes anything, and can then refuse without harm to the
//! others.

mod lifecycle;
mod listing;
mod multipart;
mod objects;
mod records;
mod tables;
mod writer;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;

use redb::{Database, DatabaseError, ReadableDatabase as _};
use tokio::sync::oneshot;

pub(crate) use listing::{Entry, ObjectQuery, UploadQuery};
pub(crate) use multipart::{Completion, NewPart};
pub(crate) use objects::Found;
pub(crate) use records::{About, Body, LifecycleRule, Object, Part, Segment, Upload, now_ms};
pub(crate) use tables::{Snapshot, Txn};

use super::contents::{ContentId, Contents, NewContent};
use super::errors::Error;
use writer::{Job, Outcome};

/// The open index.
#[derive(Debug)]
pub(crate) struct Index {
    database: Arc<Holder>,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    contents: Arc<Contents>,
}

impl Index {
    /// Opens or creates the index file, which no other process can open then. Blocks.
    pub(crate) fn lock(path: &Path) -> Result<Holder, OpenIndexError> {
        Holder::open(path)
    }

    /// Reads the index, and sweeps contents without a record. Blocks.
    pub(crate) fn open(holder: Holder, contents: &Arc<Contents>) -> Result<Self, OpenIndexError> {
        let database = Arc::new(holder);
        database.with(|database| Ok(tables::prepare(database)))??;
        database.with(|database| sweep(&Snapshot::new(&database.begin_read()?)?, contents))?;
        let (jobs, queue) = mpsc::channel();
        let (held, files) = (Arc::clone(&database), Arc::clone(contents));
        let writer = std::thread::Builder::new()
            .name("embedded-index".to_owned())
            .spawn(move || writer::run(&queue, &held, &files))
            .map_err(Error::from)?;
        Ok(Self { database, jobs: Some(jobs), writer: Some(writer), contents: Arc::clone(contents) })
    }

    /// Runs `look` on one consistent state of the index.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Snapshot) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (database, contents) = (Arc::clone(&self.database), Arc::clone(&self.contents));
        let looking = move || {
            // What `look` finds can be pinned before it is unlinked.
            let _opening = contents.opening();
            database.with(|database| look(&Snapshot::new(&database.begin_read()?)?))
        };
        tokio::task::spawn_blocking(looking).await?
    }

    /// Runs `change` in a transaction, and returns after that is on disk. `content` is kept if the change succeeds,
    /// and removed if it does not.
    ///
    /// The change completes even if the caller stops waiting.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        content: Option<NewContent>,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        // The caller may have gone; the outcome stands.
        self.queue(content, change, |result| drop(answer.send(result)))?;
        answered.await.map_err(|_| Error::internal("the index thread has ended"))?
    }

    /// Does the same for callers outside of a runtime.
    pub(crate) fn write_blocking<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = mpsc::channel();
        self.queue(None, change, move |result| drop(answer.send(result)))?;
        answered.recv().map_err(|_| Error::internal("the index thread has ended"))?
    }

    fn queue<T: Send + 'static>(
        &self,
        content: Option<NewContent>,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, Error> + Send + 'static,
        answer: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) -> Result<(), Error> {
        let job: Job = Box::new(move |txn| {
            let result = change(txn);
            let broken = result.as_ref().is_err_and(|error| !error.is_refusal());
            let finish = Box::new(move |outcome: Outcome| {
                let (result, content) = match (outcome, result) {
                    (Outcome::Committed, Ok(value)) => {
                        content.into_iter().for_each(NewContent::keep);
                        (Ok(value), None)
                    }
                    (Outcome::Failed(_), Err(error)) | (Outcome::Committed, Err(error)) => (Err(error), None),
                    (Outcome::Failed(error), Ok(_)) => (Err(error), content),
                };
                answer(result);
                content
            });
            (broken, finish)
        });
        let jobs = self.jobs.as_ref().ok_or_else(|| Error::internal("the index is closed"))?;
        jobs.send(job).map_err(|_| Error::internal("the index thread has ended"))
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Why the index could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenIndexError {
    #[error("another process has it open")]
    Locked,
    #[error("it was written by another version (schema {found}, expected {expected})")]
    Schema { found: u64, expected: u64 },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("{0:?}")]
    Store(#[from] Error),
}

/// The database, which must be opened again after a write to its file failed.
#[derive(Debug)]
pub(crate) struct Holder {
    path: PathBuf,
    database: RwLock<Option<Database>>,
}

impl Holder {
    fn open(path: &Path) -> Result<Self, OpenIndexError> {
        let database = open_database(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => OpenIndexError::Locked,
            other => OpenIndexError::Database(other),
        })?;
        Ok(Self { path: path.to_owned(), database: RwLock::new(Some(database)) })
    }

    /// Runs `work` with the database, which is not reopened meanwhile.
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, Error> {
        let held = self.database.read().unwrap_or_else(PoisonError::into_inner);
        work(
            held.as_ref()
                .ok_or_else(|| Error::internal("the index could not be opened again after a fault"))?,
        )
    }

    /// Closes the file, and opens it as it was after the last transaction that reached the disk.
    fn reopen(&self) -> Result<(), Error> {
        let mut held = self.database.write().unwrap_or_else(PoisonError::into_inner);
        *held = None;
        *held = Some(open_database(&self.path).map_err(|error| match error {
            DatabaseError::Storage(error) => error.into(),
            other => Error::internal(other),
        })?);
        Ok(())
    }
}

fn open_database(path: &Path) -> Result<Database, DatabaseError> {
    // The default is 1 GiB; the store is to fit into 64 MiB, and the kernel caches the file anyway.
    Database::builder().set_cache_size(8 << 20).create(path)
}

/// Unlinks content files without a record, and counts the others.
fn sweep(snapshot: &Snapshot, contents: &Contents) -> Result<(), Error> {
    let (mut swept, mut missing) = (0, Vec::new());
    for shard in 0..=u8::MAX {
        let known = snapshot.contents_of_shard(shard)?;
        contents.count(known.iter().map(|(_, size)| size).sum());
        let known: HashSet<ContentId> = known.into_iter().map(|(id, _)| id).collect();
        let (orphans, lost) = contents.sweep(shard, &known)?;
        swept += orphans;
        missing.extend(lost);
    }
    if swept > 0 {
        tracing::info!(files = swept, "removed content files that no object or part uses");
    }
    if let Some(first) = missing.first() {
        tracing::error!(
            files = missing.len(),
            first = %format_args!("{:032x}", first.0),
            "content files are missing: objects that use them cannot be read",
        );
    }
    Ok(())
}
