//! Sizes, times and errors as people read them.

use std::time::Duration;

use bytesize::ByteSize;
use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::transfer::TransferError;

/// Returns a number of bytes, such as `1.5 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

pub(super) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

pub(super) fn speed(sent: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64().max(0.001);
    format!("{}/s", bytes((sent as f64 / seconds) as u64))
}

pub(super) const fn verified(kind: ChecksumKind) -> &'static str {
    match kind {
        ChecksumKind::Crc64Nvme => "verified by CRC64NVME",
        ChecksumKind::Md5 => "verified by MD5",
        ChecksumKind::None => "not verified, since the store has no checksum of it",
    }
}

/// Says what happened. Titles that speak of pages are left out.
pub(super) fn error_text(error: &TransferError) -> String {
    use ErrorCode::{FileChanged, FileUnreadable, FileUnwritable, StoreEtagHidden, UploadBusy};
    match error.code {
        UploadBusy | StoreEtagHidden | FileUnwritable | FileUnreadable => error.detail.clone(),
        FileChanged => format!("changed on disk: {}", error.detail),
        _ => error.to_string(),
    }
}

/// Returns a command as it would be typed.
pub(super) fn command_line(arguments: impl Iterator<Item = String>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let quoted = arguments.map(|argument| {
        if !argument.is_empty() && argument.chars().all(is_plain) {
            argument
        } else {
            format!("'{}'", argument.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted() {
        let words = ["partway", "cp", "a b", "it's", "*.txt", "pw:x/"].map(str::to_owned);
        assert_eq!(command_line(words.into_iter()), r"partway cp 'a b' 'it'\''s' '*.txt' pw:x/");
    }

    #[test]
    fn times_and_sizes_are_short() {
        assert_eq!(seconds(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
        assert_eq!(seconds(Duration::from_secs(7_500)), "2 h 05 min");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(speed(10 << 20, Duration::from_secs(2)), "5.0 MiB/s");
    }
}
