//! Owns the content files: where they are, how one is created, how long one that is read stays, and how those without
//! a record are swept. Never knows keys or objects: a content file is named by a random id.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::errors::Error;
use super::space::{Reservation, Space};

/// The name of one content file: 128 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ContentId(pub(crate) u128);

impl ContentId {
    pub(crate) fn random() -> Result<Self, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }

    /// Returns the folder of the file, one of 256.
    fn shard(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    fn path(self, root: &Path) -> PathBuf {
        root.join(format!("{:02x}", self.shard())).join(format!("{:032x}", self.0))
    }
}

/// The content files of a store.
#[derive(Debug)]
pub(crate) struct Contents {
    root: PathBuf,
    space: Arc<Space>,
    /// Locked for reading while a request looks up contents and pins them, so that [`Contents::remove`] can wait for
    /// those that looked before its transaction.
    opening: RwLock<()>,
    pins: Mutex<Pins>,
    reaper: Reaper,
}

#[derive(Debug, Default)]
struct Pins {
    held: HashMap<ContentId, u32>,
    /// Contents that the index has forgotten, but that are still read.
    doomed: HashMap<ContentId, u64>,
}

impl Contents {
    /// Opens the folder, creating what is missing.
    pub(crate) fn open(root: PathBuf, space: Arc<Space>) -> io::Result<Self> {
        for shard in 0..=u8::MAX {
            fs::create_dir_all(root.join(format!("{shard:02x}")))?;
        }
        sync_folder(&root)?;
        let reaper = Reaper::start(root.clone())?;
        Ok(Self { root, space, opening: RwLock::default(), pins: Mutex::default(), reaper })
    }

    /// Unlinks every file in one shard that is not in `known`. Returns how many, and which of `known` are missing.
    pub(crate) fn sweep(&self, shard: u8, known: &HashSet<ContentId>) -> io::Result<(u64, Vec<ContentId>)> {
        let mut missing = known.clone();
        let mut swept = 0;
        for entry in fs::read_dir(self.root.join(format!("{shard:02x}")))? {
            let entry = entry?;
            let id = entry
                .file_name()
                .to_str()
                .and_then(|name| u128::from_str_radix(name, 16).ok())
                .map(ContentId);
            if id.is_none_or(|id| !missing.remove(&id)) {
                fs::remove_file(entry.path())?;
                swept += 1;
            }
        }
        Ok((swept, missing.into_iter().collect()))
    }

    /// Counts content that the index refers to.
    pub(crate) fn count(&self, bytes: u64) {
        self.space.count(bytes);
    }

    /// Reserves space for new content of the given length, or of an unknown length.
    pub(crate) fn reserve(&self, len: Option<u64>) -> Result<Reservation, Error> {
        Reservation::new(&self.space, len.unwrap_or(0))
    }

    /// Creates an empty content file. Blocks.
    pub(crate) fn create(self: &Arc<Self>, reservation: Reservation) -> Result<NewContent, Error> {
        let id = ContentId::random()?;
        let path = id.path(&self.root);
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(NewContent {
            id,
            path,
            file,
            contents: Arc::clone(self),
            reservation: Some(reservation),
            written: 0,
        })
    }

    /// Opens a content file for reading. Blocks.
    pub(crate) fn read(&self, id: ContentId) -> io::Result<File> {
        File::open(id.path(&self.root))
    }

    /// Returns a lock to hold from before the index is asked for contents until they are pinned.
    pub(crate) fn opening(&self) -> RwLockReadGuard<'_, ()> {
        self.opening.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps files from being unlinked while they are read.
    pub(crate) fn pin(self: &Arc<Self>, ids: Vec<ContentId>) -> Pinned {
        let mut pins = self.pins();
        for id in &ids {
            *pins.held.entry(*id).or_default() += 1;
        }
        drop(pins);
        Pinned { contents: Arc::clone(self), ids }
    }

    /// Unlinks files that the index has just forgotten, each after its last reader.
    pub(crate) fn remove(&self, forgotten: Vec<(ContentId, u64)>) {
        if forgotten.is_empty() {
            return;
        }
        // A request that looked before the transaction has pinned once this lock was free; one that looks later
        // finds nothing.
        drop(self.opening.write().unwrap_or_else(PoisonError::into_inner));
        let mut pins = self.pins();
        let (read, idle): (Vec<_>, Vec<_>) =
            forgotten.into_iter().partition(|(id, _)| pins.held.contains_key(id));
        pins.doomed.extend(read);
        drop(pins);
        self.free(idle);
    }

    /// Returns after everything that was dropped so far is gone from the disk.
    pub(crate) async fn settled(&self) {
        let (done, told) = oneshot::channel();
        if let Some(queue) = &self.reaper.queue
            && queue.send(Work::Tell(done)).is_ok()
        {
            let _ = told.await;
        }
    }

    fn free(&self, contents: Vec<(ContentId, u64)>) {
        self.space.release(contents.iter().map(|(_, size)| size).sum());
        self.reaper.unlink(contents.into_iter().map(|(id, _)| id).collect());
    }

    fn pins(&self) -> MutexGuard<'_, Pins> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Content files that are being read.
#[derive(Debug)]
pub(crate) struct Pinned {
    contents: Arc<Contents>,
    ids: Vec<ContentId>,
}

impl Pinned {
    /// Returns the contents that the files belong to.
    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let mut free = Vec::new();
        let mut pins = self.contents.pins();
        for id in &self.ids {
            if let Some(count) = pins.held.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    pins.held.remove(id);
                    free.extend(pins.doomed.remove(id).map(|size| (*id, size)));
                }
            }
        }
        drop(pins);
        self.contents.free(free);
    }
}

/// A content file without a record. Dropping it unlinks the file, unless it is kept.
#[derive(Debug)]
pub(crate) struct NewContent {
    pub(crate) id: ContentId,
    path: PathBuf,
    pub(crate) file: File,
    contents: Arc<Contents>,
    reservation: Option<Reservation>,
    pub(crate) written: u64,
}

impl NewContent {
    /// Appends to the file, if there is space. Blocks.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let end = self.written + bytes.len() as u64;
        if let Some(reservation) = &mut self.reservation {
            reservation.grow_to(end)?;
        }
        io::Write::write_all(&mut self.file, bytes)?;
        self.written = end;
        Ok(())
    }

    /// Returns after the bytes and the file's name are on disk. Blocks.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync_all()?;
        self.path.parent().map_or(Ok(()), sync_folder)?;
        Ok(())
    }

    /// Keeps the file, now that the index refers to it.
    pub(crate) fn keep(mut self) {
        if let Some(reservation) = self.reservation.take() {
            reservation.keep(self.written);
        }
    }
}

impl Drop for NewContent {
    fn drop(&mut self) {
        if self.reservation.take().is_some() {
            self.contents.reaper.unlink(vec![self.id]);
        }
    }
}

enum Work {
    Unlink(Vec<ContentId>),
    /// Answer after everything before is done.
    Tell(oneshot::Sender<()>),
}

fn unlink(root: &Path, id: ContentId) {
    if let Err(error) = fs::remove_file(id.path(root)) {
        tracing::warn!(%error, content = %format_args!("{:032x}", id.0), "file not unlinked");
    }
}

/// A thread that unlinks files, which may be slow.
#[derive(Debug)]
struct Reaper {
    queue: Option<mpsc::Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Reaper {
    fn start(root: PathBuf) -> io::Result<Self> {
        let (queue, work) = mpsc::channel::<Work>();
        let thread = std::thread::Builder::new().name("embedded-reaper".to_owned()).spawn(move || {
            for work in work {
                match work {
                    Work::Unlink(ids) => ids.into_iter().for_each(|id| unlink(&root, id)),
                    // The caller may have gone.
                    Work::Tell(done) => drop(done.send(())),
                }
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    fn unlink(&self, files: Vec<ContentId>) {
        if let Some(queue) = &self.queue
            && !files.is_empty()
        {
            // Fails only once the thread is gone, and then the next open sweeps.
            let _ = queue.send(Work::Unlink(files));
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Returns after the names of the files in `folder` are on disk. Blocks.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and the file system sees to its names itself.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
