//! What of an object can be verified, and whether it is what was verified.

use crate::checksum::{Checksum, ChecksumKind, Crc64Nvme, Md5};
use crate::part::ETag;
use crate::wire::ObjectInfo;

use super::action::Sink;
use super::settings::Settings;

/// What is compared at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// The CRC-64/NVME of all bytes.
    Crc64Nvme(Crc64Nvme),
    /// The MD5 of all bytes, which have to come in one run.
    Md5(Md5),
    /// The MD5 of the parts' MD5s.
    PartMd5s { part_size: u64, expected: Md5 },
    /// Nothing. Whether ranges are hashed all the same, for a journal.
    Nothing { for_journal: bool },
}

impl Check {
    /// Returns the best that an object's description and the sink allow.
    pub(super) fn of(object: &ObjectInfo, sink: Sink, settings: &Settings) -> Self {
        let checksum = object.checksum.as_ref().filter(|checksum| checksum.algorithm == "CRC64NVME");
        if let Some(crc) = checksum.and_then(|checksum| checksum.value.parse().ok()) {
            return Self::Crc64Nvme(crc);
        }
        let nothing = Self::Nothing { for_journal: sink == Sink::Random };
        if !object.has_md5_etag {
            return nothing;
        }
        if let Some(md5) = Md5::from_etag(&object.etag) {
            let is_one_run = sink != Sink::Random || object.size <= settings.md5_run_max;
            return if is_one_run { Self::Md5(md5) } else { nothing };
        }
        let Some((md5s, count)) = object.etag.as_str().rsplit_once('-') else { return nothing };
        match (Md5::from_etag(&ETag::new(md5s)), object.part_size.filter(|&size| size > 0)) {
            (Some(expected), Some(part_size))
                if count.parse::<u64>() == Ok(object.size.div_ceil(part_size)) =>
            {
                Self::PartMd5s { part_size, expected }
            }
            _ => nothing,
        }
    }

    /// How each range is hashed.
    pub(super) const fn kind(self) -> ChecksumKind {
        match self {
            Self::Crc64Nvme(_) | Self::Nothing { for_journal: true } => ChecksumKind::Crc64Nvme,
            Self::Md5(_) | Self::PartMd5s { .. } => ChecksumKind::Md5,
            Self::Nothing { for_journal: false } => ChecksumKind::None,
        }
    }

    /// Compares the checksums of all ranges, in order. Returns what that verifies; `None` if they differ.
    pub(super) fn verify(
        self,
        ranges: impl Iterator<Item = (Option<Checksum>, u64)>,
    ) -> Option<ChecksumKind> {
        match self {
            Self::Crc64Nvme(expected) => {
                (combined(ranges) == Some(expected)).then_some(ChecksumKind::Crc64Nvme)
            }
            Self::Md5(expected) => {
                let mut ranges = ranges.map(|(checksum, _)| checksum);
                let found = ranges.next().unwrap_or(Some(Md5::of(b"").into()));
                (found == Some(expected.into()) && ranges.next().is_none()).then_some(ChecksumKind::Md5)
            }
            Self::PartMd5s { expected, .. } => {
                let mut all = Vec::new();
                for (checksum, _) in ranges {
                    let Some(Checksum::Md5(Md5(bytes))) = checksum else { return None };
                    all.extend_from_slice(&bytes);
                }
                (Md5::of(&all) == expected).then_some(ChecksumKind::Md5)
            }
            Self::Nothing { .. } => Some(ChecksumKind::None),
        }
    }
}

/// Returns the CRC-64/NVME of ranges that join, if each has one.
pub(super) fn combined(mut ranges: impl Iterator<Item = (Option<Checksum>, u64)>) -> Option<Crc64Nvme> {
    ranges.try_fold(Crc64Nvme::EMPTY, |whole, (checksum, len)| {
        Some(whole.followed_by(checksum?.crc64nvme()?, len))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{GIB, MIB};

    fn object(etag: &str, size: u64) -> ObjectInfo {
        ObjectInfo {
            key: "key".to_owned(),
            size,
            etag: ETag::new(etag),
            has_md5_etag: true,
            content_type: None,
            last_modified: None,
            version_id: None,
            checksum: None,
            part_size: None,
        }
    }

    fn check(object: &ObjectInfo, sink: Sink) -> Check {
        Check::of(object, sink, &Settings::default())
    }

    const PLAIN: &str = "25f9e794323b453885f5181f1b624d0b";

    #[test]
    fn the_best_that_there_is_is_compared() {
        let ordered = Sink::Ordered { window_bytes: MIB };
        let crc = Crc64Nvme::of(b"123456789");
        let with_crc = ObjectInfo { checksum: Some(crc.into()), ..object(PLAIN, GIB) };
        assert_eq!(check(&with_crc, Sink::Random), Check::Crc64Nvme(crc));
        let md5 = Check::Md5(Md5::of(b"123456789"));
        assert_eq!(check(&object(PLAIN, 64 * MIB), Sink::Random), md5);
        assert_eq!(check(&object(PLAIN, GIB), Sink::Random), Check::Nothing { for_journal: true });
        assert_eq!(check(&object(PLAIN, GIB), ordered), md5, "in order it is one run anyway");
        let hidden = ObjectInfo { has_md5_etag: false, ..object(PLAIN, 9) };
        assert_eq!(check(&hidden, ordered), Check::Nothing { for_journal: false });

        let parts = |count: u64, size, part_size| {
            let etag = format!("{PLAIN}-{count}");
            check(&ObjectInfo { part_size, ..object(&etag, size) }, Sink::Random)
        };
        let expected = Md5::of(b"123456789");
        assert_eq!(parts(3, 25, Some(10)), Check::PartMd5s { part_size: 10, expected });
        for (count, size, part_size) in [(2, 25, Some(10)), (3, 25, None), (3, 25, Some(0)), (1, 0, Some(10))]
        {
            assert_eq!(parts(count, size, part_size), Check::Nothing { for_journal: true });
        }
    }

    #[test]
    fn what_differs_is_not_verified() {
        let crc = |bytes: &[u8]| (Some(Crc64Nvme::of(bytes).into()), bytes.len() as u64);
        let md5 = |bytes: &[u8]| (Some(Md5::of(bytes).into()), bytes.len() as u64);
        let whole = Check::Crc64Nvme(Crc64Nvme::of(b"123456789"));
        assert_eq!(whole.verify([crc(b"1234"), crc(b"56789")].into_iter()), Some(ChecksumKind::Crc64Nvme));
        assert_eq!(whole.verify([crc(b"1234"), crc(b"56780")].into_iter()), None);
        assert_eq!(whole.verify([crc(b"1234"), (None, 5)].into_iter()), None);
        let whole = Check::Md5(Md5::of(b"123456789"));
        assert_eq!(whole.verify([md5(b"123456789")].into_iter()), Some(ChecksumKind::Md5));
        assert_eq!(whole.verify([md5(b"123456780")].into_iter()), None);
        assert_eq!(whole.verify(std::iter::empty()), None);
        assert_eq!(Check::Md5(Md5::of(b"")).verify(std::iter::empty()), Some(ChecksumKind::Md5));
        let Md5(first) = Md5::of(b"12345");
        let Md5(second) = Md5::of(b"6789");
        let parts = Check::PartMd5s { part_size: 5, expected: Md5::of(&[first, second].concat()) };
        assert_eq!(parts.verify([md5(b"12345"), md5(b"6789")].into_iter()), Some(ChecksumKind::Md5));
        assert_eq!(parts.verify([md5(b"6789"), md5(b"12345")].into_iter()), None);
        let nothing = Check::Nothing { for_journal: false };
        assert_eq!(nothing.verify([(None, 5)].into_iter()), Some(ChecksumKind::None));
    }
}
