//! The checksum of a part, of whichever kind the store verifies.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::Digest;
use partway_crc::Hasher;
use serde::{Deserialize, Serialize};

use super::{ChecksumKind, Crc64Nvme};
use crate::part::ETag;

/// The checksum of a part. Its text is base64, whose length tells the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Checksum {
    /// Goes with the part as `x-amz-checksum-crc64nvme`.
    Crc64Nvme(Crc64Nvme),
    /// Goes with the part as `Content-MD5`.
    Md5(Md5),
}

/// An MD5, which guards against accidents and not against malice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Md5(pub [u8; 16]);

impl Md5 {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(md5::Md5::digest(bytes).into())
    }

    /// Whether an ETag is this MD5 in hexadecimal, as it is for a part that the store
    /// keeps unencrypted or under keys of its own.
    #[must_use]
    pub fn is_etag(&self, etag: &ETag) -> bool {
        Self::from_etag(etag).as_ref() == Some(self)
    }

    /// Returns the MD5 that an ETag is, if it is one.
    #[must_use]
    pub fn from_etag(etag: &ETag) -> Option<Self> {
        let digits = etag.as_str();
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(digits, 16).ok().map(|md5| Self(md5.to_be_bytes()))
    }
}

impl Checksum {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(self) -> ChecksumKind {
        match self {
            Self::Crc64Nvme(_) => ChecksumKind::Crc64Nvme,
            Self::Md5(_) => ChecksumKind::Md5,
        }
    }

    /// The value, if it is a CRC-64/NVME.
    #[must_use]
    pub const fn crc64nvme(self) -> Option<Crc64Nvme> {
        match self {
            Self::Crc64Nvme(checksum) => Some(checksum),
            Self::Md5(_) => None,
        }
    }
}

impl From<Crc64Nvme> for Checksum {
    fn from(checksum: Crc64Nvme) -> Self {
        Self::Crc64Nvme(checksum)
    }
}

impl From<Md5> for Checksum {
    fn from(checksum: Md5) -> Self {
        Self::Md5(checksum)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crc64Nvme(checksum) => checksum.fmt(f),
            Self::Md5(Md5(bytes)) => f.write_str(&BASE64.encode(bytes)),
        }
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> Self {
        checksum.to_string()
    }
}

/// Text that is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAChecksum;

impl fmt::Display for NotAChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a checksum is the base64 of eight bytes (CRC64NVME) or sixteen (MD5)")
    }
}

impl std::error::Error for NotAChecksum {}

impl FromStr for Checksum {
    type Err = NotAChecksum;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64.decode(text).map_err(|_| NotAChecksum)?;
        if let Ok(bytes) = <[u8; 8]>::try_from(bytes.as_slice()) {
            return Ok(Crc64Nvme(u64::from_be_bytes(bytes)).into());
        }
        <[u8; 16]>::try_from(bytes).map(|bytes| Md5(bytes).into()).map_err(|_| NotAChecksum)
    }
}

impl TryFrom<String> for Checksum {
    type Error = NotAChecksum;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A part's checksum under way.
#[derive(Clone, Debug)]
pub enum PartHasher {
    /// CRC-64/NVME.
    Crc64Nvme(Hasher),
    /// MD5.
    Md5(md5::Md5),
}

impl PartHasher {
    /// A checksum of no bytes yet; `None` for the kind that is none.
    #[must_use]
    pub fn new(kind: ChecksumKind) -> Option<Self> {
        match kind {
            ChecksumKind::Crc64Nvme => Some(Self::Crc64Nvme(Hasher::new())),
            ChecksumKind::Md5 => Some(Self::Md5(md5::Md5::new())),
            ChecksumKind::None => None,
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Md5(hasher) => hasher.update(bytes),
        }
    }

    /// The checksum of all bytes taken.
    #[must_use]
    pub fn finish(self) -> Checksum {
        match self {
            Self::Crc64Nvme(hasher) => Crc64Nvme(hasher.finish()).into(),
            Self::Md5(hasher) => Md5(hasher.finalize().into()).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_tells_the_kind() {
        let crc = Checksum::from(Crc64Nvme::of(b"123456789"));
        let md5 = Checksum::from(Md5::of(b"123456789"));
        assert_eq!(crc.to_string(), "rosUhgp5mIg=");
        assert_eq!(md5.to_string(), "JfnnlDI7RTiF9RgfG2JNCw==");
        for checksum in [crc, md5] {
            assert_eq!(checksum.to_string().parse(), Ok(checksum));
            let mut hasher = PartHasher::new(checksum.kind()).unwrap();
            hasher.update(b"12345");
            hasher.update(b"6789");
            assert_eq!(hasher.finish(), checksum);
        }
        for bad in ["", "rosUhgp5mI", "AAAA", "JfnnlDI7RTiF9RgfG2JNCw", "ро"] {
            assert_eq!(bad.parse::<Checksum>(), Err(NotAChecksum), "{bad}");
        }
    }

    #[test]
    fn an_etag_is_an_md5_or_not() {
        let md5 = Md5::of(b"123456789");
        assert!(md5.is_etag(&ETag::new("25f9e794323b453885f5181f1b624d0b")));
        assert!(!md5.is_etag(&ETag::new("25f9e794323b453885f5181f1b624d0c")));
        for other in ["", "25f9e794323b453885f5181f1b624d0b-2", "25f9e794323b453885f5181f1b624d0g"] {
            assert_eq!(Md5::from_etag(&ETag::new(other)), None, "{other}");
        }
    }
}
