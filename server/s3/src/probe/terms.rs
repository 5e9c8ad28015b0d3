//! Whether a store holds clients to the terms of a presigned URL.
//!
//! These requests are what a page could send: under URLs that the server signs, with more, less or other
//! than was signed for.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use http::Method;
use partway_shared::checksum::{ChecksumKind, Crc64Nvme, Md5};
use partway_shared::part::PartNumber;

use super::{BODY, OTHER_BODY, Rule, abort, begin, key, remove};
use crate::bucket::Bucket;
use crate::http_client::{HttpAnswer, HttpClient};
use crate::signing::{Hosts, Presigner, PutTerms, SignedForm};
use crate::store::{S3Store, Store, StoreError, UploadRef};

const LIFETIME: Duration = Duration::from_secs(120);

/// Whoever has presigned URLs and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct PresignedClient<'a> {
    /// The store, as its owner reaches it.
    pub store: &'a S3Store,
    /// Where it is.
    pub hosts: &'a Hosts,
    /// Its region.
    pub region: &'a str,
    /// What signs.
    pub credentials: &'a Credentials,
    /// What sends.
    pub http: &'a HttpClient,
    /// Where keys may be.
    pub prefix: &'a str,
}

impl<'a> PresignedClient<'a> {
    /// Of a store, by the address that the server has.
    #[must_use]
    pub fn of(bucket: &'a Bucket, credentials: &'a Credentials, http: &'a HttpClient) -> Self {
        let Bucket { store, hosts, region, key_prefix: prefix, .. } = bucket;
        Self { store, hosts, region, credentials, http, prefix }
    }

    /// Signs with what there is.
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

/// Whether a body has to have the length that was signed.
///
/// # Errors
/// When nothing was found out.
pub async fn length(outsider: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let key = key(outsider.prefix);
    let tried = async {
        let (url, _) = outsider.presigner().put(&key, &terms());
        let reply = outsider.put(&url, &[], BODY).await?;
        if !reply.is_success() {
            return Ok(Rule::Unsupported(reply.said()));
        }
        if outsider.put(&url, &[], &[BODY, BODY].concat()).await?.is_success() {
            return Ok(Rule::Broken("a longer body is accepted"));
        }
        if outsider.put(&url, &[], BODY.get(1..).unwrap_or_default()).await?.is_success() {
            return Ok(Rule::Broken("a shorter body is accepted"));
        }
        Ok(Rule::Kept)
    };
    let tried = tried.await;
    remove(outsider.store, &key).await;
    tried
}

/// Whether signatures are checked at all.
///
/// # Errors
/// When nothing was found out.
pub async fn signature(outsider: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let key = key(outsider.prefix);
    let (url, _) = outsider.presigner().put(&key, &terms());
    let forged = format!("{}{}", url.get(..url.len().saturating_sub(64)).unwrap_or_default(), "0".repeat(64));
    let reply = outsider.put(&forged, &[], BODY).await;
    remove(outsider.store, &key).await;
    Ok(if reply?.is_success() { Rule::Broken("a forged signature is accepted") } else { Rule::Kept })
}

/// Whether a PUT that was not signed as a copy can be made one.
///
/// # Errors
/// When nothing was found out.
pub async fn copied_put(outsider: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let (source, target) = (key(outsider.prefix), key(outsider.prefix));
    let tried = async {
        outsider.store.probe_put_other(&source).await?;
        let copy_source = copy_source(&outsider, &source);
        let (url, _) = outsider.presigner().put(&target, &terms());
        let reply = outsider.put(&url, &[("x-amz-copy-source", &copy_source)], BODY).await?;
        if !reply.is_success() {
            return Ok(Rule::Kept);
        }
        is_copied(outsider.store, &target).await
    };
    let tried = tried.await;
    tokio::join!(remove(outsider.store, &source), remove(outsider.store, &target));
    tried
}

/// Whether a part that was not signed as a copy can be made one.
///
/// # Errors
/// When nothing was found out.
pub async fn copied_part(outsider: PresignedClient<'_>) -> Result<Rule, StoreError> {
    let (source, target) = (key(outsider.prefix), key(outsider.prefix));
    let store = outsider.store;
    let upload_id = begin(store, &target, ChecksumKind::None).await?;
    let upload = UploadRef { key: &target, upload_id: &upload_id };
    let tried = async {
        store.probe_put_other(&source).await?;
        let copy_source = copy_source(&outsider, &source);
        let template = outsider.presigner().parts(&target, &upload_id, ChecksumKind::None);
        let url = template.sign(PartNumber::FIRST, BODY.len() as u64, None);
        let reply = outsider.put(&url, &[("x-amz-copy-source", &copy_source)], BODY).await?;
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

const COPIES: &str = "an upload can be turned into a copy of any object in the bucket";

fn copy_source(outsider: &PresignedClient<'_>, key: &str) -> String {
    format!("/{}/{key}", outsider.store.bucket)
}

/// A header that was passed over does no harm; one that was obeyed shows in what is stored.
async fn is_copied(store: &S3Store, key: &str) -> Result<Rule, StoreError> {
    let copied = store.head(key).await?.is_some_and(|object| object.size == OTHER_BODY.len() as u64);
    Ok(if copied { Rule::Broken(COPIES) } else { Rule::Kept })
}

/// Whether an HTML form is taken, and held to the length and the checksum in its policy.
///
/// Ceph's gateway takes forms, and passes over their `Content-MD5`.
///
/// # Errors
/// When nothing was found out.
pub async fn form(outsider: PresignedClient<'_>, checksum: ChecksumKind) -> Result<Rule, StoreError> {
    let key = key(outsider.prefix);
    let of = |bytes: &[u8]| match checksum {
        ChecksumKind::Crc64Nvme => Some(Crc64Nvme::of(bytes).into()),
        ChecksumKind::Md5 => Some(Md5::of(bytes).into()),
        ChecksumKind::None => None,
    };
    let tried = async {
        let presigner = outsider.presigner();
        let form_of = |bytes: &[u8]| presigner.form(&key, &PutTerms { checksum: of(bytes), ..terms() });
        let (Some(form), Some(wrong)) = (form_of(BODY), form_of(OTHER_BODY)) else {
            return Ok(Rule::Unsupported("this key cannot be posted".to_owned()));
        };
        let send = async |form: &SignedForm, file: &[u8]| {
            let (content_type, body) = multipart(&form.fields, file);
            let reply =
                outsider.http.send(Method::POST, &form.url, [("content-type", content_type)], &body).await?;
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
    remove(outsider.store, &key).await;
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
