//! What can be presigned: single PUTs, and the parts of an upload.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use jiff::Timestamp;
use partway_shared::checksum::Crc64Nvme;
use partway_shared::limits::MAX_PRESIGN_SECONDS;
use sha2::{Digest, Sha256};

use super::address::Address;
use super::encode;
use super::key::{SigningKey, SigningTime, sign};
use super::template::PartTemplate;

/// The header that carries a part's or an object's checksum.
pub(super) const CHECKSUM_HEADER: &str = "x-amz-checksum-crc64nvme";

/// Signs for one bucket with one set of credentials at one moment.
///
/// Made for each request to the server, and cheap: four HMACs.
pub struct Presigner<'a> {
    address: &'a Address,
    key: SigningKey,
    time: SigningTime,
    /// `access key/scope`, encoded for a query.
    credential: String,
    session_token: Option<String>,
    expires_in: u64,
}

/// What a single PUT may carry; all of it is signed.
#[derive(Clone, Debug, Default)]
pub struct PutTerms<'a> {
    /// Exactly this many bytes.
    pub content_length: u64,
    /// The object's media type.
    pub content_type: Option<&'a str>,
    /// How browsers treat the object.
    pub content_disposition: Option<&'a str>,
    /// The object's checksum.
    pub checksum: Option<Crc64Nvme>,
}

impl<'a> Presigner<'a> {
    /// Signs with these credentials; URLs live for `lifetime`, S3's longest or what the
    /// credentials have left, whichever is shortest.
    #[must_use]
    pub fn new(
        address: &'a Address,
        region: &str,
        credentials: &Credentials,
        lifetime: Duration,
        now: SystemTime,
    ) -> Self {
        let left = credentials
            .expiry()
            .map_or(Duration::MAX, |expiry| expiry.duration_since(now).unwrap_or_default());
        let time = SigningTime::at(Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH));
        let key = SigningKey::new(credentials.secret_access_key(), &time.date, region);
        Self {
            address,
            credential: encode::value(&format!("{}/{}", credentials.access_key_id(), key.scope())),
            session_token: credentials.session_token().map(encode::value),
            expires_in: lifetime.min(left).as_secs().clamp(1, MAX_PRESIGN_SECONDS),
            key,
            time,
        }
    }

    /// Seconds for which the URLs are good.
    #[must_use]
    pub const fn expires_in(&self) -> u64 {
        self.expires_in
    }

    /// What the parts of one upload have in common, ready to sign any number of them.
    #[must_use]
    pub fn parts(&self, key: &str, upload_id: &str, with_checksum: bool) -> PartTemplate {
        let signed_headers: &[&str] = if with_checksum {
            &["content-length", "host", CHECKSUM_HEADER]
        } else {
            &["content-length", "host"]
        };
        let upload = format!("&uploadId={}&x-id=UploadPart", encode::value(upload_id));
        PartTemplate::new(
            &self.key.prepare(&self.time),
            self.address,
            &self.address.path(key),
            &self.query(signed_headers),
            upload,
            signed_headers,
        )
    }

    /// A presigned PUT of a whole object, and the headers that the client has to send.
    #[must_use]
    pub fn put(&self, key: &str, terms: &PutTerms<'_>) -> (String, BTreeMap<String, String>) {
        let mut sent = BTreeMap::new();
        let mut send = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                sent.insert(name.to_owned(), value);
            }
        };
        send("content-disposition", terms.content_disposition.map(str::to_owned));
        send("content-type", terms.content_type.map(str::to_owned));
        send(CHECKSUM_HEADER, terms.checksum.map(String::from));
        let mut headers = sent.clone();
        headers.insert("content-length".to_owned(), terms.content_length.to_string());
        headers.insert("host".to_owned(), self.address.host().to_owned());

        let names: Vec<_> = headers.keys().map(String::as_str).collect();
        let path = self.address.path(key);
        let query = format!("{}&x-id=PutObject", self.query(&names));
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
        (format!("{}{path}?{query}&X-Amz-Signature={signature}", self.address.origin()), sent)
    }

    /// The query up to the parameters of the operation, whose names sort after these.
    fn query(&self, signed_headers: &[&str]) -> String {
        let mut query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}",
            self.credential, self.time.date_time, self.expires_in
        );
        if let Some(token) = &self.session_token {
            query.push_str("&X-Amz-Security-Token=");
            query.push_str(token);
        }
        query.push_str("&X-Amz-SignedHeaders=");
        query.push_str(&signed_headers.join("%3B"));
        query
    }
}
