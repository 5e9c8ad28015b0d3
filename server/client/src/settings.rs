//! How transfers behave, in the words of boto3's `TransferConfig` where it has them.

use partway_shared::limits::MIB;
use partway_shared::{download, upload};

/// Settings of uploads and downloads. What is not given adapts to the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferSettings {
    /// Above this many bytes an object is fetched by several requests at once. Default 16 MiB. How a file is sent, the server decides.
    pub multipart_threshold: Option<u64>,
    /// The size of a part or a range in bytes. Default: what suits the line; 8 to 64 MiB.
    pub part_size: Option<u64>,
    /// The most requests on their way at once. Default 32, of which as many are made as make it faster.
    pub concurrency: Option<u32>,
    /// The most bytes per second, on average over a few parts. Default: no limit.
    pub max_bandwidth: Option<u64>,
    /// Tries in a row without success after which a transfer fails. Default 12, some two minutes.
    pub attempts: Option<u32>,
    /// The most bytes of files held in memory on their way to a store. Default 256 MiB. What has no room is read twice.
    pub memory: u64,
}

/// The most requests at once where nothing else is said. More find no use on one network card below 25 Gbit/s.
const CONNECTIONS: u32 = 32;
/// Requests at once to begin with. A line that eight do not fill gets more as ranges arrive.
const AT_FIRST: u32 = 8;
/// Files that are open at once, where a process may have 1,024.
const OPEN_FILES: u32 = 256;

impl Default for TransferSettings {
    fn default() -> Self {
        Self {
            multipart_threshold: None,
            part_size: None,
            concurrency: None,
            max_bandwidth: None,
            attempts: None,
            memory: 256 * MIB,
        }
    }
}

impl TransferSettings {
    /// Returns how many connections are kept for the next request.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.concurrency.unwrap_or(CONNECTIONS).max(1)
    }

    pub(crate) fn download(&self) -> download::Settings {
        let mut settings = download::Settings {
            connections_per_host: self.connections(),
            connections_at_first: Some(AT_FIRST),
            concurrency: Some(self.connections()),
            max_bytes_per_second: self.max_bandwidth,
            open_files: OPEN_FILES,
            ..download::Settings::default()
        };
        if let Some(threshold) = self.multipart_threshold {
            settings.single_get_max = threshold;
        }
        if let Some(size) = self.part_size {
            (settings.range_size, settings.min_range_size) = (size, size);
        }
        if let Some(attempts) = self.attempts {
            settings.retry.max_attempts = attempts;
        }
        settings
    }

    pub(crate) fn upload(&self, epoch: u64) -> upload::Settings {
        let mut settings = upload::Settings {
            connections_per_host: self.connections(),
            concurrency: Some(self.connections()),
            max_bytes_per_second: self.max_bandwidth,
            part_size: self.part_size,
            open_files: OPEN_FILES,
            epoch: Some(epoch),
            stream_window: self.memory,
            ..upload::Settings::default()
        };
        if let Some(attempts) = self.attempts {
            settings.retry.max_attempts = attempts;
        }
        settings
    }
}
