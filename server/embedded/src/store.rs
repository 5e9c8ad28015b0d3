//! Owns opening a store: the data folder, its lock, and what can be wrong with it. Never knows requests.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};

use super::contents::{self, Contents};
use super::errors::Error;
use super::index::{Index, OpenIndexError, now_ms};
use super::options::Options;
use super::server::{self, ServeError, Server};
use super::service::Service;
use super::space::Space;

/// An open store, which holds the lock on its data folder. It answers no requests until it is served.
#[derive(Debug)]
pub struct Store {
    options: Options,
    service: Service,
}

impl Store {
    /// Opens the data folder, creates it and the configured buckets if they are missing, and removes what interrupted
    /// uploads left behind. Blocks: call it before the runtime starts, or on a blocking thread.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, another process has it open, or a configured name is not valid.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        for bucket in &options.buckets {
            if !s3s::path::check_bucket_name(bucket) {
                return Err(OpenError::BucketName(bucket.clone()));
            }
        }
        if s3s::region::Region::new(options.region.as_str().into()).is_err() {
            return Err(OpenError::Region(options.region));
        }
        let folder = |source| OpenError::Folder { folder: options.data_dir.clone(), source };
        fs::create_dir_all(&options.data_dir).map_err(folder)?;
        // The index first: it takes the lock.
        let space = Arc::new(Space::new(options.max_bytes));
        let path = options.data_dir.join("index.redb");
        let lock = Index::lock(&path).map_err(|error| OpenError::from_index(error, &options))?;
        let files = Arc::new(Contents::open(options.data_dir.join("contents"), space).map_err(folder)?);
        contents::sync_folder(&options.data_dir).map_err(folder)?;
        let index = Index::open(lock, &files).map_err(|error| OpenError::from_index(error, &options))?;
        index
            .write_blocking({
                let buckets = options.buckets.clone();
                move |txn| buckets.iter().try_for_each(|bucket| txn.create_bucket(bucket, now_ms()).map(drop))
            })
            .map_err(|error| OpenError::from_index(error.into(), &options))?;
        let service = Service::new(index, files, &options);
        Ok(Self { options, service })
    }

    #[cfg(test)]
    pub(crate) fn into_service(self) -> Service {
        self.service
    }

    /// Serves the store on `listener`, on threads of its own, until the [`Server`] is shut down or
    /// dropped.
    ///
    /// It takes no runtime from the caller: heavy uploads are not to compete with the caller's own
    /// requests for a thread, and the caller's runtime may well have one thread only.
    ///
    /// # Errors
    ///
    /// When the listener or the threads cannot be set up, or an allowed origin cannot be one.
    pub fn serve(self, listener: std::net::TcpListener) -> Result<Server, ServeError> {
        server::start(self.service, &self.options, listener)
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The data folder cannot be created, read or written.
    #[error("the data folder {} cannot be used: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The data folder is in use.
    #[error("the data folder {} is in use by another process, or by another store in this one", .0.display())]
    Locked(PathBuf),
    /// The data folder was written by a version with other records.
    #[error("the data folder {} was written by another version (schema {found}, this one reads {expected})", folder.display())]
    Version {
        /// The folder.
        folder: PathBuf,
        /// The schema in the folder.
        found: u64,
        /// The schema of this version.
        expected: u64,
    },
    /// The index cannot be read or written.
    #[error("the index in the data folder {} cannot be used: {source}", folder.display())]
    Index {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A configured bucket has a name that S3 does not allow.
    #[error("{0:?} is not a valid bucket name: 3 to 63 lower-case letters, digits, dots and hyphens")]
    BucketName(String),
    /// The configured region is none.
    #[error("{0:?} is not a valid region: lower-case letters, digits and hyphens")]
    Region(String),
}

impl OpenError {
    fn from_index(error: OpenIndexError, options: &Options) -> Self {
        let folder = options.data_dir.clone();
        match error {
            OpenIndexError::Locked => Self::Locked(folder),
            OpenIndexError::Schema { found, expected } => Self::Version { folder, found, expected },
            OpenIndexError::Database(error) => Self::Index { folder, source: error.into() },
            OpenIndexError::Store(Error::Internal(source)) => Self::Index { folder, source },
            OpenIndexError::Store(error) => Self::Index { folder, source: error.into() },
        }
    }
}
