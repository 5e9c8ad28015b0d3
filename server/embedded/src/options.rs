//! Owns the options of the store. Never knows how they are carried out.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// The options of a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder. It is created if it is missing, and locked while the store is open.
    pub data_dir: PathBuf,
    /// The only access key id.
    pub access_key: String,
    /// The secret of `access_key`.
    pub secret_key: SecretString,
    /// The region that signatures must have, and that `GetBucketLocation` returns.
    pub region: String,
    /// The buckets to create if they are missing. More can be created over S3.
    pub buckets: Vec<String>,
    /// The origins whose pages may call the store.
    pub allowed_origins: Origins,
    /// The most bytes of content; `None` for no limit but the disk. Parts of unfinished uploads count; copies, which
    /// share their content, count once. More is refused with 507 `InsufficientStorage`.
    pub max_bytes: Option<u64>,
    /// How long a request's body may stall before the request is refused and its connection closed. S3 waits for some
    /// twenty seconds; a lost line may take longer to come back.
    pub body_timeout: Duration,
}

/// The origins whose pages may read the store's answers (CORS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Any origin. Requests must be signed all the same.
    Any,
    /// These origins, as browsers send them: `https://app.example.com`, with the port unless it is the default of the
    /// scheme. A star stands for any text.
    List(Vec<String>),
}
