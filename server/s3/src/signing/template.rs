//! What all parts of one upload share, formatted and hashed once.

use std::collections::BTreeMap;

use hmac::Hmac;
use partway_shared::checksum::{Checksum, ChecksumKind};
use partway_shared::part::PartNumber;
use sha2::{Digest, Sha256};

use super::address::Address;
use super::hosts::Turns;
use super::key::sign;
use super::{CONTENT_MD5, CRC64_NVME};

/// A presigner for the parts of one upload.
pub struct PartTemplate {
    /// The HMAC of the string to sign, up to the hash of the request.
    prepared: Hmac<Sha256>,
    /// The canonical request, up to the part number.
    request: Sha256,
    /// The query after the part number.
    upload: String,
    checksum: ChecksumKind,
    /// What differs between hosts.
    hosts: Turns<HostTemplate>,
}

struct HostTemplate {
    /// The URL, up to the part number.
    url: String,
    /// The canonical request after the length, up to the checksum's value.
    before_checksum: String,
    /// The rest of the canonical request.
    after_checksum: String,
}

/// Returns the signed headers of a part, sorted by name.
pub(super) const fn signed_headers(checksum: ChecksumKind) -> &'static [&'static str] {
    match checksum {
        ChecksumKind::Crc64Nvme => &["content-length", "host", CRC64_NVME],
        ChecksumKind::Md5 => &["content-length", CONTENT_MD5, "host"],
        ChecksumKind::None => &["content-length", "host"],
    }
}

impl HostTemplate {
    fn new(address: &Address, path: &str, query: &str, checksum: ChecksumKind) -> Self {
        let host = address.host();
        let end = format!("\n\n{}\nUNSIGNED-PAYLOAD", signed_headers(checksum).join(";"));
        let (before_checksum, after_checksum) = match checksum {
            ChecksumKind::Crc64Nvme => (format!("\nhost:{host}\n{CRC64_NVME}:"), end),
            ChecksumKind::Md5 => (format!("\n{CONTENT_MD5}:"), format!("\nhost:{host}{end}")),
            ChecksumKind::None => (String::new(), format!("\nhost:{host}{end}")),
        };
        Self {
            url: format!("{}{path}?{query}&partNumber=", address.origin()),
            before_checksum,
            after_checksum,
        }
    }
}

impl PartTemplate {
    pub(super) fn new(
        prepared: &Hmac<Sha256>,
        addresses: &Turns<Address>,
        path: &str,
        query: &str,
        upload: String,
        checksum: ChecksumKind,
    ) -> Self {
        let mut request = Sha256::new();
        for piece in ["PUT\n", path, "\n", query, "&partNumber="] {
            request.update(piece);
        }
        Self {
            prepared: prepared.clone(),
            request,
            upload,
            checksum,
            hosts: addresses.map(|address| HostTemplate::new(address, path, query, checksum)),
        }
    }

    /// Returns the presigned URL of one part with exactly this length and checksum.
    ///
    /// The checksum is signed if it is of the kind that the template was made for.
    #[must_use]
    pub fn sign(&self, part: PartNumber, content_length: u64, checksum: Option<Checksum>) -> String {
        let (mut number, mut length) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (number, length) = (number.format(part.get()), length.format(content_length));
        let host = self.hosts.of_part(part);

        // The canonical request's variable rest, in one piece for the hash.
        let fixed = self.upload.len() + host.before_checksum.len() + host.after_checksum.len();
        let mut rest = String::with_capacity(fixed + 64);
        for piece in [number, &self.upload, "\ncontent-length:", length, &host.before_checksum] {
            rest.push_str(piece);
        }
        if let Some(checksum) = self.signed(checksum) {
            rest.push_str(&String::from(checksum));
        }
        rest.push_str(&host.after_checksum);
        let mut request = self.request.clone();
        request.update(rest.as_bytes());
        let signature = sign(self.prepared.clone(), request);

        let mut url = String::with_capacity(host.url.len() + self.upload.len() + 96);
        for piece in [host.url.as_str(), number, &self.upload, "&X-Amz-Signature="] {
            url.push_str(piece);
        }
        url.push_str(&String::from_utf8_lossy(&signature));
        url
    }

    /// Returns the headers that the client must send with it.
    #[must_use]
    pub fn headers(&self, checksum: Option<Checksum>) -> BTreeMap<String, String> {
        let name = match self.checksum {
            ChecksumKind::Md5 => CONTENT_MD5,
            ChecksumKind::Crc64Nvme | ChecksumKind::None => CRC64_NVME,
        };
        let checksum = self.signed(checksum);
        checksum.map(|checksum| (name.to_owned(), String::from(checksum))).into_iter().collect()
    }

    fn signed(&self, checksum: Option<Checksum>) -> Option<Checksum> {
        checksum.filter(|checksum| checksum.kind() == self.checksum)
    }
}
