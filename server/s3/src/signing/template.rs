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

/// What all requests for the parts of one upload share, whatever makes up a part.
pub(super) struct UploadTemplate {
    /// The HMAC of the string to sign, up to the hash of the request.
    prepared: Hmac<Sha256>,
    /// The canonical request, up to the part number.
    request: Sha256,
    /// The query after the part number.
    upload: String,
    /// The URL of each host, up to the part number.
    urls: Turns<String>,
}

impl UploadTemplate {
    pub(super) fn new(
        prepared: &Hmac<Sha256>,
        addresses: &Turns<Address>,
        path: &str,
        query: &str,
        upload: String,
    ) -> Self {
        let mut request = Sha256::new();
        for piece in ["PUT\n", path, "\n", query, "&partNumber="] {
            request.update(piece);
        }
        Self {
            prepared: prepared.clone(),
            request,
            upload,
            urls: addresses.map(|address| format!("{}{path}?{query}&partNumber=", address.origin())),
        }
    }

    /// Returns the presigned URL of one part. `headers` is the rest of the canonical request, in pieces.
    pub(super) fn sign(&self, part: PartNumber, headers: &[&str]) -> String {
        let mut number = itoa::Buffer::new();
        let number = number.format(part.get());
        // In one piece for the hash.
        let length = headers.iter().map(|piece| piece.len()).sum::<usize>();
        let mut rest = String::with_capacity(number.len() + self.upload.len() + length);
        for piece in [number, &self.upload].iter().chain(headers) {
            rest.push_str(piece);
        }
        let mut request = self.request.clone();
        request.update(rest.as_bytes());
        let signature = sign(self.prepared.clone(), request);

        let before = self.urls.of_part(part);
        let mut url = String::with_capacity(before.len() + self.upload.len() + 96);
        for piece in [before.as_str(), number, &self.upload, "&X-Amz-Signature="] {
            url.push_str(piece);
        }
        url.push_str(&String::from_utf8_lossy(&signature));
        url
    }
}

/// A presigner for the parts of one upload.
pub struct PartTemplate {
    template: UploadTemplate,
    checksum: ChecksumKind,
    /// What differs between hosts.
    hosts: Turns<HostTemplate>,
}

struct HostTemplate {
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
    fn new(address: &Address, checksum: ChecksumKind) -> Self {
        let host = address.host();
        let end = format!("\n\n{}\nUNSIGNED-PAYLOAD", signed_headers(checksum).join(";"));
        let (before_checksum, after_checksum) = match checksum {
            ChecksumKind::Crc64Nvme => (format!("\nhost:{host}\n{CRC64_NVME}:"), end),
            ChecksumKind::Md5 => (format!("\n{CONTENT_MD5}:"), format!("\nhost:{host}{end}")),
            ChecksumKind::None => (String::new(), format!("\nhost:{host}{end}")),
        };
        Self { before_checksum, after_checksum }
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
        Self {
            template: UploadTemplate::new(prepared, addresses, path, query, upload),
            checksum,
            hosts: addresses.map(|address| HostTemplate::new(address, checksum)),
        }
    }

    /// Returns the presigned URL of one part with exactly this length and checksum.
    ///
    /// The checksum is signed if it is of the kind that the template was made for.
    #[must_use]
    pub fn sign(&self, part: PartNumber, content_length: u64, checksum: Option<Checksum>) -> String {
        let mut length = itoa::Buffer::new();
        let host = self.hosts.of_part(part);
        let checksum = self.signed(checksum).map(String::from).unwrap_or_default();
        let headers = [
            "\ncontent-length:",
            length.format(content_length),
            &host.before_checksum,
            &checksum,
            &host.after_checksum,
        ];
        self.template.sign(part, &headers)
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
