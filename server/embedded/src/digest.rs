//! Owns the hashes of a stream of bytes, and their comparison with those in the request. Never knows where the bytes
//! go.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};

use super::checksums::{Algorithm, Checksums};
use super::errors::Error;

/// The hashes in a request.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) md5: Option<[u8; 16]>,
    pub(crate) checksums: Checksums,
}

/// A hasher of a stream: MD5 for the ETag, and the checksums that the request needs.
pub(crate) struct Hasher {
    md5: Md5,
    checksums: ChecksumHasher,
}

impl Hasher {
    pub(crate) fn new(wanted: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut checksums = ChecksumHasher::default();
        for algorithm in wanted {
            match algorithm {
                Algorithm::Crc32 => checksums.crc32 = Some(Default::default()),
                Algorithm::Crc32c => checksums.crc32c = Some(Default::default()),
                Algorithm::Crc64Nvme => checksums.crc64nvme = Some(Default::default()),
                Algorithm::Sha1 => checksums.sha1 = Some(Default::default()),
                Algorithm::Sha256 => checksums.sha256 = Some(Default::default()),
            }
        }
        Self { md5: Md5::new(), checksums }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.checksums.update(bytes);
    }

    pub(crate) fn finish(self) -> Digests {
        let sums = self.checksums.finalize();
        let mut checksums = Checksums::default();
        let values = [
            sums.checksum_crc32,
            sums.checksum_crc32c,
            sums.checksum_crc64nvme,
            sums.checksum_sha1,
            sums.checksum_sha256,
        ];
        for (algorithm, value) in Algorithm::ALL.into_iter().zip(values) {
            if let Some(value) = value {
                checksums.set(algorithm, value);
            }
        }
        Digests { md5: self.md5.finalize(), checksums }
    }
}

/// The hashes of a complete stream.
#[derive(Debug)]
pub(crate) struct Digests {
    pub(crate) md5: [u8; 16],
    pub(crate) checksums: Checksums,
}

impl Digests {
    /// Returns the ETag of a body that was sent in one request.
    pub(crate) fn etag(&self) -> String {
        hex(&self.md5)
    }

    /// Compares the hashes with those in the request.
    pub(crate) fn verify(&self, expected: &Expected) -> Result<(), Error> {
        if expected.md5.is_some_and(|md5| md5 != self.md5) {
            return Err(Error::BadDigest("Content-MD5"));
        }
        for (algorithm, value) in expected.checksums.iter() {
            if self.checksums.get(algorithm).as_deref() != Some(value) {
                let valid = BASE64.decode(value).is_ok();
                let name = algorithm.header();
                return Err(if valid {
                    Error::BadDigest(name)
                } else {
                    Error::InvalidRequest(format!("the value of {name} is not base64"))
                });
            }
        }
        Ok(())
    }
}

/// Returns the ETag of an object that was completed from parts.
pub(crate) fn multipart_etag<'p>(part_etags: impl Iterator<Item = &'p str>) -> String {
    let mut md5 = Md5::new();
    let mut count = 0_usize;
    for etag in part_etags {
        md5.update(&unhex(etag));
        count += 1;
    }
    format!("{}-{count}", hex(&md5.finalize()))
}

/// Returns bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().as_chunks::<2>().0.iter().filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_those_of_s3() {
        let mut hasher = Hasher::new([]);
        hasher.update(b"hello");
        let etag = hasher.finish().etag();
        assert_eq!(etag, "5d41402abc4b2a76b9719d911017c592");
        // md5(md5("hello") || md5("hello")), computed with md5sum.
        assert_eq!(
            multipart_etag([etag.as_str(), etag.as_str()].into_iter()),
            "616b22817b80eed9f65c3aa38cd29054-2"
        );
    }

    #[test]
    fn only_what_is_asked_for_is_computed() {
        let mut hasher = Hasher::new([Algorithm::Crc32c]);
        hasher.update(b"123456789");
        let digests = hasher.finish();
        assert_eq!(digests.checksums.algorithms().collect::<Vec<_>>(), [Algorithm::Crc32c]);
        assert_eq!(digests.checksums.get(Algorithm::Crc32c).unwrap(), "4waSgw==");
    }
}
