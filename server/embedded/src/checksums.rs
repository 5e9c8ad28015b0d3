//! Owns S3's checksum values: their names, where requests carry them, and how an object's is computed from its
//! parts'. Never reads bytes of objects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;
use partway_crc::Crc;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Sha1, Sha256};
use serde::{Deserialize, Serialize};

use super::errors::Error;

/// A checksum algorithm that the store verifies. Others are refused, never ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// Returns the value of `x-amz-checksum-algorithm`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// Returns the header, or trailer, that carries the value.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn from_name(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| Error::NotImplemented(format!("the checksum algorithm {name} is not supported")))
    }

    /// Returns the arithmetic that combines the values of adjacent pieces, if the algorithm has one.
    fn crc(self) -> Option<Crc> {
        match self {
            Self::Crc32 => Some(Crc::CRC32),
            Self::Crc32c => Some(Crc::CRC32C),
            Self::Crc64Nvme => Some(Crc::CRC64NVME),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

/// How the checksum of a multipart object is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// The checksum of all bytes.
    FullObject,
    /// The checksum of the parts' checksums, followed by their number.
    Composite,
}

impl Kind {
    /// Returns the value of `x-amz-checksum-type`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }

    /// Returns the type for an upload that asks for `algorithm` and, perhaps, a type.
    pub(crate) fn choose(algorithm: Algorithm, asked: Option<&str>) -> Result<Self, Error> {
        let kind = match asked {
            None if algorithm == Algorithm::Crc64Nvme => Self::FullObject,
            None => Self::Composite,
            Some("FULL_OBJECT") => Self::FullObject,
            Some("COMPOSITE") => Self::Composite,
            Some(other) => {
                return Err(Error::InvalidRequest(format!("{other} is not a checksum type")));
            }
        };
        let possible = match kind {
            Self::FullObject => algorithm.crc().is_some(),
            Self::Composite => algorithm != Algorithm::Crc64Nvme,
        };
        if possible {
            Ok(kind)
        } else {
            let (kind, algorithm) = (kind.name(), algorithm.name());
            Err(Error::InvalidRequest(format!("the checksum type {kind} cannot be used with {algorithm}")))
        }
    }
}

/// The checksum that a multipart upload was created with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChecksumSpec {
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: Kind,
}

impl ChecksumSpec {
    /// Returns the checksums of a part that answers show: the one that the upload was created with, or all that are known
    /// where it was created with none.
    pub(crate) fn shown(spec: Option<Self>, checksums: &Checksums) -> Checksums {
        let wanted = |algorithm| spec.is_none_or(|spec| spec.algorithm == algorithm);
        Checksums(checksums.0.iter().filter(|(algorithm, _)| wanted(*algorithm)).cloned().collect())
    }
}

/// The checksums of some bytes, in base64, at most one per algorithm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksums(Vec<(Algorithm, String)>);

impl Checksums {
    pub(crate) fn get(&self, algorithm: Algorithm) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == algorithm).map(|(_, value)| value.clone())
    }

    pub(crate) fn set(&mut self, algorithm: Algorithm, value: String) {
        self.0.retain(|(known, _)| *known != algorithm);
        self.0.push((algorithm, value));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Algorithm, &str)> {
        self.0.iter().map(|(algorithm, value)| (*algorithm, value.as_str()))
    }

    pub(crate) fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.0.iter().map(|(algorithm, _)| *algorithm)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the values that came in trailers.
    pub(crate) fn add_trailers(&mut self, trailers: &HeaderMap) -> Result<(), Error> {
        for algorithm in Algorithm::ALL {
            if let Some(value) = trailers.get(algorithm.header()) {
                let value = value.to_str().map_err(|_| malformed(algorithm))?;
                self.set(algorithm, value.to_owned());
            }
        }
        Ok(())
    }

    /// Creates checksums from a request's fields, in the order of [`Algorithm::ALL`].
    pub(crate) fn from_fields(
        known: [Option<&String>; 5],
        unknown: [Option<&String>; 5],
    ) -> Result<Self, Error> {
        if unknown.iter().any(Option::is_some) {
            return Err(Error::NotImplemented(
                "only CRC32, CRC32C, CRC64NVME, SHA1 and SHA256 are verified".to_owned(),
            ));
        }
        let given = Algorithm::ALL.into_iter().zip(known);
        Ok(Self(given.filter_map(|(algorithm, value)| Some((algorithm, value?.clone()))).collect()))
    }
}

/// Reads the checksum fields of an `s3s` input into [`Checksums`].
macro_rules! given_checksums {
    ($input:expr) => {
        $crate::checksums::Checksums::from_fields(
            [
                $input.checksum_crc32.as_ref(),
                $input.checksum_crc32c.as_ref(),
                $input.checksum_crc64nvme.as_ref(),
                $input.checksum_sha1.as_ref(),
                $input.checksum_sha256.as_ref(),
            ],
            [
                $input.checksum_sha512.as_ref(),
                $input.checksum_md5.as_ref(),
                $input.checksum_xxhash64.as_ref(),
                $input.checksum_xxhash3.as_ref(),
                $input.checksum_xxhash128.as_ref(),
            ],
        )
    };
}

/// Writes [`Checksums`] to the fields of an `s3s` output.
macro_rules! answer_checksums {
    ($output:expr, $checksums:expr) => {
        $output.checksum_crc32 = $checksums.get($crate::checksums::Algorithm::Crc32);
        $output.checksum_crc32c = $checksums.get($crate::checksums::Algorithm::Crc32c);
        $output.checksum_crc64nvme = $checksums.get($crate::checksums::Algorithm::Crc64Nvme);
        $output.checksum_sha1 = $checksums.get($crate::checksums::Algorithm::Sha1);
        $output.checksum_sha256 = $checksums.get($crate::checksums::Algorithm::Sha256);
    };
}

pub(crate) use {answer_checksums, given_checksums};

/// Computes the checksum of an object from its parts' values and sizes, in order; `None` when a part lacks one.
pub(crate) fn of_parts<'p>(
    spec: ChecksumSpec,
    parts: impl Iterator<Item = (&'p Checksums, u64)>,
) -> Result<Option<String>, Error> {
    let ChecksumSpec { algorithm, kind } = spec;
    let mut values = Vec::new();
    for (checksums, size) in parts {
        let Some(value) = checksums.get(algorithm) else {
            return Ok(None);
        };
        values.push((BASE64.decode(value).map_err(Error::internal)?, size));
    }
    match (kind, algorithm.crc()) {
        (Kind::FullObject, Some(crc)) => {
            let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            let combined =
                values.iter().fold(0, |combined, (value, size)| crc.combine(combined, number(value), *size));
            let bytes = combined.to_be_bytes();
            let width = values.first().map_or(bytes.len(), |(value, _)| value.len());
            Ok(Some(BASE64.encode(bytes.get(bytes.len() - width..).unwrap_or_default())))
        }
        _ => {
            let count = values.len();
            let joined: Vec<u8> = values.into_iter().flat_map(|(value, _)| value).collect();
            let value = match algorithm {
                Algorithm::Crc32 => BASE64.encode(Crc32::checksum(&joined)),
                Algorithm::Crc32c => BASE64.encode(Crc32c::checksum(&joined)),
                Algorithm::Sha1 => BASE64.encode(Sha1::checksum(&joined)),
                Algorithm::Sha256 => BASE64.encode(Sha256::checksum(&joined)),
                Algorithm::Crc64Nvme => return Ok(None),
            };
            Ok(Some(format!("{value}-{count}")))
        }
    }
}

/// Decodes a Content-MD5 header to its 16 bytes.
pub(crate) fn content_md5(value: &str) -> Result<[u8; 16], Error> {
    BASE64.decode(value).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(Error::InvalidDigest)
}

/// Returns the algorithms whose values a request announces in trailers.
pub(crate) fn announced_trailers(headers: &HeaderMap) -> Result<Vec<Algorithm>, Error> {
    let mut announced = Vec::new();
    for value in headers.get_all("x-amz-trailer") {
        let names =
            value.to_str().unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase());
        for name in names.filter(|name| name.starts_with("x-amz-checksum-")) {
            let known = Algorithm::ALL.into_iter().find(|algorithm| algorithm.header() == name);
            announced.push(known.ok_or_else(|| Error::NotImplemented(format!("{name} is not supported")))?);
        }
    }
    Ok(announced)
}

fn malformed(algorithm: Algorithm) -> Error {
    Error::InvalidRequest(format!("the value of {} is not valid", algorithm.header()))
}
