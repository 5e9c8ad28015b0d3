//! Owns what a caller can choose about the store. Never knows how any of it is carried out.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// How the store is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that holds everything. It is created if it is missing, and locked while the store
    /// is open.
    pub data_dir: PathBuf,
    /// The one access key id that requests are signed with.
    pub access_key: String,
    /// The secret that belongs to `access_key`.
    pub secret_key: SecretString,
    /// The region that signatures must name, and that `GetBucketLocation` answers.
    pub region: String,
    /// Buckets that exist once the store is open; they are created if they are missing. More can be
    /// made over S3.
    pub buckets: Vec<String>,
    /// Which web pages may talk to the store.
    pub allowed_origins: Origins,
    /// The most bytes of content to hold; unlimited, but for the disk, when `None`. Parts of
    /// unfinished uploads count; copies, which share their content, count once. What does not fit
    /// is refused with 507 `InsufficientStorage`.
    pub max_bytes: Option<u64>,
    /// How long nothing may come of a request's body before the request is refused and its connection
    /// closed. S3 waits for some twenty seconds; a line that was lost may take longer to come back.
    pub body_timeout: Duration,
}

/// The origins whose pages may read the store's answers (CORS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Any page. Requests must be signed all the same.
    Any,
    /// These only, as browsers send them: `https://app.example.com`, with the port unless it is the
    /// scheme's own.
    List(Vec<String>),
}
