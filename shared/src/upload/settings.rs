//! How an [`Uploader`](super::Uploader) behaves.

use std::time::Duration;

use crate::plan::PlanLimits;
use crate::retry::RetryPolicy;

/// Settings of the machine; the defaults suit a browser over HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Parts on their way at once, over all files. Default 6, which is what a
    /// browser opens to one host over HTTP/1.1; more would only queue there.
    pub concurrency: u32,
    /// Parts being hashed at once. Default 2: one core reads while another sums.
    pub hash_concurrency: u32,
    /// Parts hashed and signed ahead of the sockets, over all files. Default 8.
    /// More hides a longer round trip; each costs a few bytes, but a URL signed
    /// too early expires unused.
    pub ahead: u32,
    /// Parts signed ahead, for each file, where nothing has to be hashed. Default 64.
    pub sign_window: u32,
    /// Calls to Partway's server at once. Default 4.
    pub call_concurrency: u32,
    /// Files created and not yet ended, at once. Default 1,000. Further ones wait.
    pub open_files: u32,
    /// The part size to ask the server for, in bytes. Default none: the server's.
    pub part_size: Option<u64>,
    /// How the client plans until the server has said how.
    pub plan: PlanLimits,
    /// How often and how patiently a part or a call is tried again.
    pub retry: RetryPolicy,
    /// A PUT without progress for this long is given up and tried again. Default 30 s.
    pub stall_timeout: Duration,
    /// A call to Partway's server without an answer for this long is given up and made again. Default 30 s.
    pub call_timeout: Duration,
    /// The same for completing, during which S3 may join parts for minutes. Default 150 s.
    pub complete_timeout: Duration,
    /// A URL is not used when it has less than this left. Default 5 s.
    pub expiry_margin: Duration,
    /// How long files whose first checksum is known wait for others to be
    /// created in one request. Default 150 ms.
    pub batch_linger: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 6,
            hash_concurrency: 2,
            ahead: 8,
            sign_window: 64,
            call_concurrency: 4,
            open_files: 1_000,
            part_size: None,
            plan: PlanLimits::default(),
            retry: RetryPolicy::default(),
            stall_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(30),
            complete_timeout: Duration::from_secs(150),
            expiry_margin: Duration::from_secs(5),
            batch_linger: Duration::from_millis(150),
        }
    }
}
