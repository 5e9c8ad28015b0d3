//! What all parts of one upload have in common, hashed and written once.

use std::collections::BTreeMap;

use hmac::Hmac;
use partway_shared::checksum::Crc64Nvme;
use partway_shared::part::PartNumber;
use sha2::{Digest, Sha256};

use super::address::Address;
use super::key::sign;
use super::presigner::CHECKSUM_HEADER;

/// Signs the parts of one upload.
pub struct PartTemplate {
    /// The text to sign, up to the hash of the request.
    prepared: Hmac<Sha256>,
    /// The canonical request, up to the part number.
    request: Sha256,
    /// The URL, up to the part number.
    url: String,
    /// The query after the part number.
    upload: String,
    /// The canonical headers after the length, up to the checksum's value.
    host: String,
    /// The end of the canonical request.
    end: String,
    with_checksum: bool,
}

impl PartTemplate {
    pub(super) fn new(
        prepared: &Hmac<Sha256>,
        address: &Address,
        path: &str,
        query: &str,
        upload: String,
        signed_headers: &[&str],
    ) -> Self {
        let with_checksum = signed_headers.contains(&CHECKSUM_HEADER);
        let mut request = Sha256::new();
        for piece in ["PUT\n", path, "\n", query, "&partNumber="] {
            request.update(piece);
        }
        let mut host = format!("\nhost:{}\n", address.host());
        if with_checksum {
            host.push_str(CHECKSUM_HEADER);
            host.push(':');
        }
        let newline = if with_checksum { "\n" } else { "" };
        Self {
            prepared: prepared.clone(),
            request,
            url: format!("{}{path}?{query}&partNumber=", address.origin()),
            upload,
            host,
            end: format!("{newline}\n{}\nUNSIGNED-PAYLOAD", signed_headers.join(";")),
            with_checksum,
        }
    }

    /// The presigned URL of one part of exactly this length and checksum.
    ///
    /// A checksum is signed if and only if the template was made for them.
    #[must_use]
    pub fn sign(&self, part: PartNumber, content_length: u64, checksum: Option<Crc64Nvme>) -> String {
        let (mut number, mut length) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (number, length) = (number.format(part.get()), length.format(content_length));

        // The canonical request's variable rest, in one piece for the hash.
        let mut rest = String::with_capacity(self.upload.len() + self.host.len() + self.end.len() + 64);
        for piece in [number, &self.upload, "\ncontent-length:", length, &self.host] {
            rest.push_str(piece);
        }
        if self.with_checksum
            && let Some(checksum) = checksum
        {
            rest.push_str(&String::from(checksum));
        }
        rest.push_str(&self.end);
        let mut request = self.request.clone();
        request.update(rest.as_bytes());
        let signature = sign(self.prepared.clone(), request);

        let mut url = String::with_capacity(self.url.len() + self.upload.len() + 96);
        for piece in [self.url.as_str(), number, &self.upload, "&X-Amz-Signature="] {
            url.push_str(piece);
        }
        url.push_str(&String::from_utf8_lossy(&signature));
        url
    }

    /// The headers that the client has to send with it.
    #[must_use]
    pub fn headers(&self, checksum: Option<Crc64Nvme>) -> BTreeMap<String, String> {
        let checksum = checksum.filter(|_| self.with_checksum);
        checksum.map(|checksum| (CHECKSUM_HEADER.to_owned(), String::from(checksum))).into_iter().collect()
    }
}
