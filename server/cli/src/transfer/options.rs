//! How transfers behave, as arguments.

use bytesize::ByteSize;
use clap::Args;
use partway_client::TransferSettings;

/// S3's smallest part but the last, and its largest.
const PART_SIZES: (u64, u64) = (5 << 20, 5 << 30);
/// More connections than this are of no use to anybody.
const MAX_CONCURRENCY: i64 = 1_000;

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TransferArgs {
    /// Requests to the store at once, at most [default: 32, of which as many are made as make it faster]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_CONCURRENCY))]
    concurrency: Option<u32>,

    /// Size of a part, such as 16MiB, from 5MiB to 5GiB [default: what suits the line]
    #[arg(long, value_name = "SIZE", value_parser = part_size)]
    part_size: Option<u64>,

    /// Objects above this size are fetched by several requests at once [default: 16MiB]
    ///
    /// How a file is sent to a Partway server, that server decides.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    multipart_threshold: Option<u64>,

    /// Bytes per second at most, such as 10MB
    #[arg(long, value_name = "SIZE", value_parser = bandwidth)]
    max_bandwidth: Option<u64>,

    /// Tries in a row without success after which a file fails [default: 12, some two minutes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    attempts: Option<u32>,

    /// Memory for bytes of files on their way to the store [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
}

impl TransferArgs {
    pub(crate) fn settings(&self) -> TransferSettings {
        let default = TransferSettings::default();
        TransferSettings {
            multipart_threshold: self.multipart_threshold,
            part_size: self.part_size,
            concurrency: self.concurrency,
            max_bandwidth: self.max_bandwidth,
            attempts: self.attempts,
            memory: self.memory.unwrap_or(default.memory),
        }
    }
}

fn size(text: &str) -> Result<u64, String> {
    let parsed = text.parse::<ByteSize>();
    parsed.map(|size| size.as_u64()).map_err(|_| "it is no size, such as 8MiB or 500kB".to_owned())
}

fn part_size(text: &str) -> Result<u64, String> {
    let (least, most) = PART_SIZES;
    let size = size(text)?;
    if (least..=most).contains(&size) { Ok(size) } else { Err("a part has from 5MiB to 5GiB".to_owned()) }
}

fn bandwidth(text: &str) -> Result<u64, String> {
    let size = size(text.trim_end_matches("/s"))?;
    if size >= 16 * 1_024 { Ok(size) } else { Err("it has to be 16KiB per second or more".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(size("8MiB"), Ok(8 << 20));
        assert_eq!(size("500 kB"), Ok(500_000));
        assert_eq!(bandwidth("10MB/s"), Ok(10_000_000));
        assert!(size("many").is_err() && part_size("1MiB").is_err() && bandwidth("1kB").is_err());
    }
}
