//! URLs by which a client has the store copy a part of an object into an upload: UploadPartCopy.
//!
//! All that says what is copied is in signed headers, so a URL copies these bytes of this object, as it was looked at, and
//! nothing else.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>

use std::collections::BTreeMap;

use partway_shared::part::{ByteRange, ETag, PartNumber};

use super::encode;
use super::hosts::Turns;
use super::presigner::Presigner;
use super::template::UploadTemplate;

/// The header that names the object.
const COPY_SOURCE: &str = "x-amz-copy-source";
/// The header with the ETag that the object must have.
const IF_MATCH: &str = "x-amz-copy-source-if-match";
/// The header with the bytes.
const RANGE: &str = "x-amz-copy-source-range";

/// The headers that a client sends with these URLs, for CORS.
pub const COPY_HEADERS: [&str; 3] = [COPY_SOURCE, IF_MATCH, RANGE];

/// The object of which parts are copied.
#[derive(Clone, Copy, Debug)]
pub struct CopiedObject<'a> {
    /// Its bucket.
    pub bucket: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Its version; `None` for the current one.
    pub version_id: Option<&'a str>,
    /// The ETag that it must have. An empty one, which some stores have, is no condition.
    pub etag: &'a ETag,
}

impl CopiedObject<'_> {
    /// Returns the value of `x-amz-copy-source`.
    #[must_use]
    pub fn copy_source(&self) -> String {
        let mut source = format!("{}/{}", self.bucket, encode::path(self.key));
        if let Some(version_id) = self.version_id {
            source.push_str("?versionId=");
            source.push_str(&encode::value(version_id));
        }
        source
    }
}

/// A presigner for the parts of one upload that are copied from one object.
pub struct CopyTemplate {
    template: UploadTemplate,
    /// The canonical headers of each host, up to the range.
    before_range: Turns<String>,
    /// The canonical request after the range.
    after_range: String,
    /// The headers that all parts share.
    headers: BTreeMap<String, String>,
}

impl Presigner<'_> {
    /// Returns a template of what the parts of one upload share that are copied from one object.
    #[must_use]
    pub fn copies(&self, key: &str, upload_id: &str, source: &CopiedObject<'_>) -> CopyTemplate {
        let mut headers = BTreeMap::from([(COPY_SOURCE.to_owned(), source.copy_source())]);
        let mut signed = vec!["host", COPY_SOURCE];
        if !source.etag.is_empty() {
            headers.insert(IF_MATCH.to_owned(), source.etag.quoted());
            signed.push(IF_MATCH);
        }
        signed.push(RANGE);
        let shared: String = headers.iter().map(|(name, value)| format!("\n{name}:{value}")).collect();
        let addresses = self.hosts.all();
        let upload = format!("&uploadId={}{}&x-id=UploadPartCopy", encode::value(upload_id), self.terms);
        CopyTemplate {
            before_range: addresses.map(|address| format!("\nhost:{}{shared}\n{RANGE}:", address.host())),
            after_range: format!("\n\n{}\nUNSIGNED-PAYLOAD", signed.join(";")),
            headers,
            template: UploadTemplate::new(
                &self.key.prepare(&self.time),
                addresses,
                // The same under each host.
                &self.hosts.first().path(key),
                &self.query(&signed),
                upload,
            ),
        }
    }
}

impl CopyTemplate {
    /// Returns the presigned URL of one part, and the headers that the client must send. Its body is empty.
    #[must_use]
    pub fn sign(&self, part: PartNumber, range: ByteRange) -> (String, BTreeMap<String, String>) {
        let bytes = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        let url = self.template.sign(part, &[self.before_range.of_part(part), &bytes, &self.after_range]);
        let mut headers = self.headers.clone();
        headers.insert(RANGE.to_owned(), bytes);
        (url, headers)
    }
}
