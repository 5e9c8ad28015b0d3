//! The presigner of single PUTs and of the parts of an upload. (Forms are in `form.rs`, what reads is in `read.rs`, and parts
//! that are copied are in `copy.rs`.)

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use partway_shared::checksum::{Checksum, ChecksumKind};
use partway_shared::limits::MAX_PRESIGN_SECONDS;
use partway_shared::part::PartNumber;
use sha2::{Digest, Sha256};

use crate::attributes::Attributes;
use crate::terms::RequestTerms;

use super::encode;
use super::hosts::Hosts;
use super::key::{SigningKey, SigningTime, sign};
use super::template::{PartTemplate, signed_headers};
use super::{CONTENT_MD5, CRC64_NVME};

/// A presigner for one bucket, with one set of credentials, at one moment.
///
/// Create one for each request to the server; that costs four HMACs.
pub struct Presigner<'a> {
    pub(super) hosts: &'a Hosts,
    pub(super) key: SigningKey,
    pub(super) time: SigningTime,
    /// `access key/scope`.
    pub(super) credential: String,
    pub(super) session_token: Option<String>,
    /// The parameters that every URL has, before `x-id`.
    pub(super) terms: String,
    now: Timestamp,
    expires_in: u64,
}

/// What a single PUT must carry; all of it is signed.
#[derive(Clone, Debug, Default)]
pub struct PutTerms<'a> {
    /// The exact length of the body in bytes.
    pub content_length: u64,
    /// The object's media type.
    pub content_type: Option<&'a str>,
    /// The object's `Content-Disposition`.
    pub content_disposition: Option<&'a str>,
    /// The object's checksum.
    pub checksum: Option<Checksum>,
    /// The object's other attributes.
    pub attributes: Attributes,
}

impl<'a> Presigner<'a> {
    /// Creates a presigner. URLs are valid for the shortest of `lifetime`, S3's limit of 7 days, and what the
    /// credentials have left.
    #[must_use]
    pub fn new(
        hosts: &'a Hosts,
        region: &str,
        credentials: &Credentials,
        lifetime: Duration,
        now: SystemTime,
    ) -> Self {
        let left = credentials
            .expiry()
            .map_or(Duration::MAX, |expiry| expiry.duration_since(now).unwrap_or_default());
        let now = Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH);
        let time = SigningTime::at(now);
        let key = SigningKey::new(credentials.secret_access_key(), &time.date, region);
        Self {
            hosts,
            credential: format!("{}/{}", credentials.access_key_id(), key.scope()),
            session_token: credentials.session_token().map(str::to_owned),
            terms: String::new(),
            now,
            expires_in: lifetime.min(left).as_secs().clamp(1, MAX_PRESIGN_SECONDS),
            key,
            time,
        }
    }

    /// Has every URL say this, as parameters that S3 reads as the headers: a client has nothing to send then.
    #[must_use]
    pub fn with_terms(mut self, terms: &RequestTerms) -> Self {
        let parameters = terms.headers().map(|(name, value)| format!("&{name}={}", encode::value(value)));
        self.terms = parameters.collect();
        self
    }

    /// Returns the seconds for which the URLs are valid.
    #[must_use]
    pub const fn expires_in(&self) -> u64 {
        self.expires_in
    }

    /// Returns a template of what the parts of one upload share, ready to sign any number of them.
    #[must_use]
    pub fn parts(&self, key: &str, upload_id: &str, checksum: ChecksumKind) -> PartTemplate {
        let upload = format!("&uploadId={}{}&x-id=UploadPart", encode::value(upload_id), self.terms);
        PartTemplate::new(
            &self.key.prepare(&self.time),
            self.hosts.all(),
            // The same under each host.
            &self.hosts.first().path(key),
            &self.query(signed_headers(checksum)),
            upload,
            checksum,
        )
    }

    /// Returns the presigned URL of a PUT of a whole object, and the headers that the client must send.
    #[must_use]
    pub fn put(&self, key: &str, terms: &PutTerms<'_>) -> (String, BTreeMap<String, String>) {
        let mut sent = terms.attributes.headers();
        let mut send = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                sent.insert(name.to_owned(), value);
            }
        };
        send("content-disposition", terms.content_disposition.map(str::to_owned));
        send("content-type", terms.content_type.map(str::to_owned));
        match terms.checksum {
            Some(Checksum::Crc64Nvme(checksum)) => send(CRC64_NVME, Some(checksum.into())),
            Some(checksum @ Checksum::Md5(_)) => send(CONTENT_MD5, Some(checksum.into())),
            None => {}
        }
        (self.sign_put(key, None, Some(terms.content_length), &sent), sent)
    }

    /// Returns the presigned URL of a PUT with exactly these headers: of a whole object, or of one part of an upload. Without a
    /// length, the body may have any.
    #[must_use]
    pub fn sign_put(
        &self,
        key: &str,
        part: Option<(&str, PartNumber)>,
        content_length: Option<u64>,
        sent: &BTreeMap<String, String>,
    ) -> String {
        let address = self.hosts.next();
        let mut headers = sent.clone();
        headers.extend(content_length.map(|length| ("content-length".to_owned(), length.to_string())));
        headers.insert("host".to_owned(), address.host().to_owned());

        let names: Vec<_> = headers.keys().map(String::as_str).collect();
        let path = address.path(key);
        let (of_part, operation) = match part {
            Some((upload_id, number)) => {
                let upload_id = encode::value(upload_id);
                (format!("&partNumber={}&uploadId={upload_id}", number.get()), "UploadPart")
            }
            None => (String::new(), "PutObject"),
        };
        let query = format!("{}{of_part}{}&x-id={operation}", self.query(&names), self.terms);
        let mut request = Sha256::new();
        for piece in ["PUT\n", &path, "\n", &query, "\n"] {
            request.update(piece);
        }
        for (name, value) in &headers {
            // Runs of spaces count as one in the canonical form.
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            for piece in [name, ":", &value, "\n"] {
                request.update(piece);
            }
        }
        for piece in ["\n", &names.join(";"), "\nUNSIGNED-PAYLOAD"] {
            request.update(piece);
        }
        let signature = sign(self.key.prepare(&self.time), request);
        let signature = String::from_utf8_lossy(&signature);
        format!("{}{path}?{query}&X-Amz-Signature={signature}", address.origin())
    }

    /// Returns when the signatures expire, in the format of a policy.
    pub(super) fn expiration(&self) -> String {
        let lifetime = SignedDuration::from_secs(i64::try_from(self.expires_in).unwrap_or(i64::MAX));
        let expiration = self.now.checked_add(lifetime).unwrap_or(self.now).to_zoned(TimeZone::UTC);
        expiration.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
    }

    /// Returns the query up to the parameters of the operation, whose names sort after these.
    pub(super) fn query(&self, signed_headers: &[&str]) -> String {
        let mut query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}",
            encode::value(&self.credential),
            self.time.date_time,
            self.expires_in
        );
        if let Some(token) = &self.session_token {
            query.push_str("&X-Amz-Security-Token=");
            query.push_str(&encode::value(token));
        }
        query.push_str("&X-Amz-SignedHeaders=");
        query.push_str(&signed_headers.join("%3B"));
        query
    }
}
