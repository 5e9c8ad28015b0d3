//! Whether a store enforces what a presigned URL was signed for.
//!
//! These are requests that a page could send: to URLs that the server signed, with a body or headers that were not signed for.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use http::Method;
use partway_shared::checksum::{ChecksumKind, Crc64Nvme, Md5};
use partway_shared::part::{ByteRange, ETag, PartNumber};

use super::{BODY, OTHER_BODY, Rule, Trial, abort, begin, key, remove};
use crate::bucket::Bucket;
use crate::http_client::{HttpAnswer, HttpClient};
use crate::signing::{CopiedObject, Hosts, Presigner, PutTerms, SignedForm};
use crate::store::{BucketStore, StoreError, StoredObject, UploadRef};

const LIFETIME: Duration = Duration::from_secs(120);

/// A client that has presigned URLs and no credentials, as a page has.
#[derive(Clone, Copy, Debug)]
pub struct PresignedClient<'a> {
    /// The store, with the server's credentials.
    pub store: &'a dyn BucketStore,
    /// The bucket's name.
    pub bucket: &'a str,
    /// The hosts that URLs are signed for.
    pub hosts: &'a Hosts,
    /// The store's region.
    pub region: &'a str,
    /// The credentials that sign URLs.
    pub credentials: &'a Credentials,
    /// The client that sends requests.
    pub http: &'a HttpClient,
    /// The prefix below which keys of probes are made.
    pub prefix: &'a str,
}

impl<'a> PresignedClient<'a> {
    /// Creates a client of a bucket at the address that the server uses.
    #[must_use]
    pub fn of(bucket: &'a Bucket, credentials: &'a Credentials, http: &'a HttpClient) -> Self {
        let Bucket { store, name, hosts, region, key_prefix: prefix, .. } = bucket;
        Self { store: &**store, bucket: name, hosts, region, credentials, http, prefix }
    }

    /// Returns what signs the URLs.
    #[must_use]
    pub fn presigner(&self) -> Presigner<'a> {
        Presigner::new(self.hosts, self.region, self.credentials, LIFETIME, SystemTime::now())
    }

    async fn put(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<HttpAnswer, StoreError> {
        let reply = self.http.send(Method::PUT, url, headers.iter().copied(), body).await?;
        // A store that is away says nothing of its rules.
        if reply.status >= 500 && reply.status != 501 {
            return Err(StoreError::unavailable(reply.said()));
        }
        Ok(reply)
    }
}

fn terms() -> PutTerms<'static> {
    PutTerms { content_length: BODY.len() as u64, ..PutTerms::default() }
}

/// Probes whether a body has to have the signed length.
///
/// # Errors
/// When the store is away.
pub async fn length(client: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let key = key(client.prefix);
    let tried = async {
        let (url, _) = client.presigner().put(&key, &terms());
        let reply = client.put(&url, &[], BODY).await?;
        if !reply.is_success() {
            return Ok(Rule::Unsupported(reply.said()));
        }
        if client.put(&url, &[], &[BODY, BODY].concat()).await?.is_success() {
            return Ok(Rule::Broken("a longer body is accepted"));
        }
        if client.put(&url, &[], BODY.get(1..).unwrap_or_default()).await?.is_success() {
            return Ok(Rule::Broken("a shorter body is accepted"));
        }
        Ok(Rule::Kept)
    };
    let tried = tried.await;
    remove(client.store, &key).await;
    tried
}

/// Probes whether signatures are verified at all.
///
/// # Errors
/// When the store is away.
pub async fn signature(client: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let key = key(client.prefix);
    let (url, _) = client.presigner().put(&key, &terms());
    let forged = format!("{}{}", url.get(..url.len().saturating_sub(64)).unwrap_or_default(), "0".repeat(64));
    let reply = client.put(&forged, &[], BODY).await;
    remove(client.store, &key).await;
    Ok(if reply?.is_success() { Rule::Broken("a forged signature is accepted") } else { Rule::Kept })
}

/// Probes whether a presigned PUT can be turned into a copy of another object by a header that was not signed.
///
/// # Errors
/// When the store is away.
pub async fn copied_put(client: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let (source, target) = (key(client.prefix), key(client.prefix));
    let tried = async {
        put_other(client.store, &source).await?;
        let copy_source = copy_source(&client, &source);
        let (url, _) = client.presigner().put(&target, &terms());
        let reply = client.put(&url, &[("x-amz-copy-source", &copy_source)], BODY).await?;
        if !reply.is_success() {
            return Ok(Rule::Kept);
        }
        is_copied(client.store, &target).await
    };
    let tried = tried.await;
    tokio::join!(remove(client.store, &source), remove(client.store, &target));
    tried
}

/// Probes whether a presigned part can be turned into a copy of another object by a header that was not signed.
///
/// # Errors
/// When the store is away.
pub async fn copied_part(client: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let (source, target) = (key(client.prefix), key(client.prefix));
    let store = client.store;
    let upload_id = begin(store, &target, ChecksumKind::None).await?;
    let upload = UploadRef { key: &target, upload_id: &upload_id };
    let tried = async {
        put_other(store, &source).await?;
        let copy_source = copy_source(&client, &source);
        let template = client.presigner().parts(&target, &upload_id, ChecksumKind::None);
        let url = template.sign(PartNumber::FIRST, BODY.len() as u64, None);
        let reply = client.put(&url, &[("x-amz-copy-source", &copy_source)], BODY).await?;
        if !reply.is_success() {
            return Ok(Rule::Kept);
        }
        let copied = store.list_parts(upload).await?.iter().any(|part| part.size == OTHER_BODY.len() as u64);
        Ok(if copied { Rule::Broken(COPIES) } else { Rule::Kept })
    };
    let tried = tried.await;
    tokio::join!(remove(store, &source), abort(store, upload));
    tried
}

/// Probes whether a part can be copied from an object by a URL that was signed for that, and not once the object has changed.
///
/// The object is small, and some stores copy parts of large ones alone (S3 does so with a range, Garage always): one that refuses
/// in other words than that it does not know the call, copies.
///
/// # Errors
/// When the store is away.
pub async fn part_copy(client: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let (source, target) = (key(client.prefix), key(client.prefix));
    let store = client.store;
    let upload_id = begin(store, &target, ChecksumKind::None).await?;
    let upload = UploadRef { key: &target, upload_id: &upload_id };
    let tried = async {
        put_other(store, &source).await?;
        let object = store.head(&source).await?;
        let Some(object) = object else { return Ok(Rule::Broken("an object that was put is not there")) };
        let reply = copy_part(client, upload, &source, &object).await?;
        if matches!(reply.status, 404 | 405 | 501) {
            return Ok(Rule::Unsupported(reply.said()));
        }
        if !reply.is_success() {
            return Ok(Rule::Kept);
        }
        // One that does not know these headers has stored an empty part.
        if !store.list_parts(upload).await?.iter().any(|part| part.size == object.size) {
            return Ok(Rule::Unsupported("a part that was copied is not there".to_owned()));
        }
        let changed = StoredObject { etag: ETag::new("0123456789abcdef0123456789abcdef"), ..object };
        let reply = copy_part(client, upload, &source, &changed).await?;
        Ok(if reply.is_success() {
            Rule::Broken("what has changed since it was looked at is copied")
        } else {
            Rule::Kept
        })
    };
    let tried = tried.await;
    tokio::join!(remove(store, &source), abort(store, upload));
    tried
}

/// Probes whether a part is copied of an object whose key has a `%`. Ceph's gateway decodes the key once more, and copies the object
/// that has the decoded one, if there is one.
///
/// # Errors
/// When the store is away.
pub async fn part_copy_key(client: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let (source, target) = (format!("{}%41", key(client.prefix)), key(client.prefix));
    let store = client.store;
    let upload_id = begin(store, &target, ChecksumKind::None).await?;
    let upload = UploadRef { key: &target, upload_id: &upload_id };
    let tried = async {
        put_other(store, &source).await?;
        let object = store.head(&source).await?;
        let Some(object) = object else { return Ok(Rule::Broken("an object that was put is not there")) };
        // Nobody has put an object with the decoded key.
        let reply = copy_part(client, upload, &source, &object).await?;
        Ok(if reply.status == 404 { Rule::Broken("a key with a % is decoded twice") } else { Rule::Kept })
    };
    let tried = tried.await;
    tokio::join!(remove(store, &source), abort(store, upload));
    tried
}

/// Has an object copied as the first part of an upload, by a signed URL.
async fn copy_part(
    client: PresignedClient<'_>,
    upload: UploadRef<'_>,
    key: &str,
    object: &StoredObject,
) -> Result<HttpAnswer, StoreError> {
    let source = CopiedObject { bucket: client.bucket, key, version_id: None, etag: &object.etag };
    let template = client.presigner().copies(upload.key, upload.upload_id, &source);
    let (url, headers) = template.sign(PartNumber::FIRST, ByteRange { start: 0, end: object.size });
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    client.put(&url, &headers, b"").await
}

const COPIES: &str = "an upload can be turned into a copy of any object in the bucket";

/// Puts an object with other bytes than those of all other requests.
async fn put_other(store: &dyn BucketStore, key: &str) -> Result<(), StoreError> {
    store.put_trial(key, Trial { checksum: Some(Md5::of(OTHER_BODY).into()), ..Trial::of(OTHER_BODY) }).await
}

fn copy_source(client: &PresignedClient<'_>, key: &str) -> String {
    format!("/{}/{key}", client.bucket)
}

/// Looks at what is stored: a store that ignored the header did no harm.
async fn is_copied(store: &dyn BucketStore, key: &str) -> Result<Rule, StoreError> {
    let copied = store.head(key).await?.is_some_and(|object| object.size == OTHER_BODY.len() as u64);
    Ok(if copied { Rule::Broken(COPIES) } else { Rule::Kept })
}

/// Probes whether the store accepts HTML forms, and enforces the length and the checksum in their policy.
///
/// Ceph's gateway accepts forms, and ignores their `Content-MD5`.
///
/// # Errors
/// When the store is away.
pub async fn form(client: PresignedClient<'_>, checksum: ChecksumKind) -> Result<Rule, StoreError> {
    let key = key(client.prefix);
    let of = |bytes: &[u8]| match checksum {
        ChecksumKind::Crc64Nvme => Some(Crc64Nvme::of(bytes).into()),
        ChecksumKind::Md5 => Some(Md5::of(bytes).into()),
        ChecksumKind::None => None,
    };
    let tried = async {
        let presigner = client.presigner();
        let form_of = |bytes: &[u8]| presigner.form(&key, &PutTerms { checksum: of(bytes), ..terms() });
        let (Some(form), Some(wrong)) = (form_of(BODY), form_of(OTHER_BODY)) else {
            return Ok(Rule::Unsupported("this key cannot be posted".to_owned()));
        };
        let send = async |form: &SignedForm, file: &[u8]| {
            let (content_type, body) = multipart(&form.fields, file);
            let reply =
                client.http.send(Method::POST, &form.url, [("content-type", content_type)], &body).await?;
            if reply.status >= 500 && reply.status != 501 {
                return Err(StoreError::unavailable(reply.said()));
            }
            Ok(reply)
        };
        let reply = send(&form, BODY).await?;
        if !reply.is_success() {
            return Ok(Rule::Unsupported(reply.said()));
        }
        if !reply.names_etag() {
            return Ok(Rule::Broken("the answer names no ETag"));
        }
        if send(&form, &[BODY, BODY].concat()).await?.is_success() {
            return Ok(Rule::Broken("a longer file is accepted"));
        }
        if checksum != ChecksumKind::None && send(&wrong, BODY).await?.is_success() {
            return Ok(Rule::Broken("a file with another checksum is accepted"));
        }
        Ok(Rule::Kept)
    };
    let tried = tried.await;
    remove(client.store, &key).await;
    tried
}

fn multipart(fields: &std::collections::BTreeMap<String, String>, file: &[u8]) -> (&'static str, Vec<u8>) {
    let mut body = Vec::new();
    for (name, value) in fields {
        let field =
            format!("--partway-probe\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(field.as_bytes());
    }
    body.extend_from_slice(
        b"--partway-probe\r\nContent-Disposition: form-data; name=\"file\"; filename=\"probe\"\r\n\r\n",
    );
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--partway-probe--\r\n");
    ("multipart/form-data; boundary=partway-probe", body)
}
