//! Checksums: of parts, and of the object from its parts. It owns how they are written and combined, and never knows who
//! verifies them.

mod part;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use partway_crc::{Crc, Hasher};
use serde::{Deserialize, Serialize};

pub use part::{Checksum, Md5, NotAChecksum, PartHasher};

/// How parts and objects are checked by the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ChecksumKind {
    /// CRC-64/NVME for each part, combined into the object's (S3's `FULL_OBJECT`).
    #[default]
    Crc64Nvme,
    /// For stores that do not verify CRC-64/NVME: `Content-MD5` for each part, and the ETags,
    /// which are made of the parts' MD5s, compared at the end.
    Md5,
    /// No checksum: the store compares lengths and ETags alone.
    None,
}

impl ChecksumKind {
    /// Whether parts have to be read before they are sent.
    #[must_use]
    pub const fn needs_hashing(self) -> bool {
        !matches!(self, Self::None)
    }
}

/// A CRC-64/NVME, which S3 writes as the base64 of its eight bytes, most significant first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Crc64Nvme(pub u64);

impl Crc64Nvme {
    /// The checksum of no bytes.
    pub const EMPTY: Self = Self(0);

    /// Returns the checksum of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        Self(hasher.finish())
    }

    /// Returns the checksum of this run of bytes followed by another, of which only the checksum and the length are known.
    #[must_use]
    pub fn followed_by(self, next: Self, next_len: u64) -> Self {
        Self(Crc::CRC64NVME.combine(self.0, next.0, next_len))
    }
}

impl fmt::Display for Crc64Nvme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0.to_be_bytes()))
    }
}

impl fmt::Debug for Crc64Nvme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crc64Nvme({self})")
    }
}

impl From<Crc64Nvme> for String {
    fn from(checksum: Crc64Nvme) -> Self {
        checksum.to_string()
    }
}

/// Text that is not the base64 of eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACrc64Nvme;

impl fmt::Display for NotACrc64Nvme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CRC64NVME is the base64 of eight bytes, twelve characters")
    }
}

impl std::error::Error for NotACrc64Nvme {}

impl FromStr for Crc64Nvme {
    type Err = NotACrc64Nvme;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64.decode(text).map_err(|_| NotACrc64Nvme)?;
        let bytes = <[u8; 8]>::try_from(bytes).map_err(|_| NotACrc64Nvme)?;
        Ok(Self(u64::from_be_bytes(bytes)))
    }
}

impl TryFrom<String> for Crc64Nvme {
    type Error = NotACrc64Nvme;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_base64_of_eight_bytes() {
        // The check value of CRC-64/NVME in the catalogue of parametrised CRCs.
        let checksum = Crc64Nvme::of(b"123456789");
        assert_eq!(checksum, Crc64Nvme(0xae8b_1486_0a79_9888));
        assert_eq!(checksum.to_string(), "rosUhgp5mIg=");
        assert_eq!("rosUhgp5mIg=".parse(), Ok(checksum));
        for bad in ["", "rosUhgp5mI", "AAAA", "rosUhgp5mIgA", "ро"] {
            assert_eq!(bad.parse::<Crc64Nvme>(), Err(NotACrc64Nvme), "{bad}");
        }
    }
}
