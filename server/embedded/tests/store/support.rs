//! What the store's tests share: a store on a free port, a client of the real SDK, and raw
//! requests.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part of it")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, SystemTime};

pub use crate::common::noise;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
pub use aws_sigv4::http_request::SignableBody;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableRequest, SigningSettings};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub use partway_embedded::{Options, Origins, Server, Store};
use s3s::crypto::Checksum;
use tempfile::TempDir;

pub const BUCKET: &str = "uploads";
pub const ACCESS: &str = "test-access";
pub const SECRET: &str = "test-secret";
pub const REGION: &str = "eu-central-1";
pub const MIB: usize = 1 << 20;

/// A store of its own for one test.
pub struct TestStore {
    pub server: Option<Server>,
    pub addr: SocketAddr,
    pub client: Client,
    pub dir: TempDir,
}

pub fn options(dir: &Path) -> Options {
    Options {
        data_dir: dir.to_owned(),
        access_key: ACCESS.to_owned(),
        secret_key: SECRET.to_owned().into(),
        region: REGION.to_owned(),
        buckets: vec![BUCKET.to_owned()],
        allowed_origins: Origins::Any,
        max_bytes: None,
        body_timeout: Duration::from_secs(60),
    }
}

impl TestStore {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::on(tempfile::tempdir().unwrap(), change)
    }

    pub fn on(dir: TempDir, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = options(dir.path());
        change(&mut options);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Store::open(options).unwrap().serve(listener).unwrap();
        let addr = server.local_addr();
        Self { addr, client: client(addr, SECRET), server: Some(server), dir }
    }

    /// Closes the store and opens it again on the same folder.
    pub async fn restart(mut self) -> Self {
        self.server.take().unwrap().shutdown().await;
        Self::on(self.dir, |_| {})
    }

    pub async fn put(&self, key: &str, bytes: &[u8]) {
        let put = self.client.put_object().bucket(BUCKET).key(key).body(bytes.to_vec().into());
        put.send().await.unwrap_or_else(|error| panic!("put of {key:?}: {error:?}"));
    }

    pub async fn get(&self, key: &str) -> Vec<u8> {
        let got = self.client.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    pub async fn create(&self, key: &str) -> String {
        self.client.create_multipart_upload().bucket(BUCKET).key(key).send().await.unwrap().upload_id.unwrap()
    }

    pub async fn part(&self, key: &str, id: &str, number: i32, bytes: &[u8]) -> CompletedPart {
        let part = self.client.upload_part().bucket(BUCKET).key(key).upload_id(id).part_number(number);
        let sent = part.body(bytes.to_vec().into()).send().await.unwrap();
        CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build()
    }

    /// All keys, page by page.
    pub async fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut pages = self.client.list_objects_v2().bucket(BUCKET).into_paginator().send();
        while let Some(page) = pages.next().await {
            keys.extend(
                page.unwrap().contents.unwrap_or_default().into_iter().filter_map(|object| object.key),
            );
        }
        keys
    }

    /// Waits until as many content files are left as expected; unlinking goes on beside the
    /// answers.
    pub async fn settles_at(&self, files: usize) {
        for _ in 0..200 {
            if content_files(self.dir.path()) == files {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(content_files(self.dir.path()), files, "content files");
    }
}

pub fn completed(parts: impl IntoIterator<Item = CompletedPart>) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts.into_iter().collect())).build()
}

pub fn client(addr: SocketAddr, secret: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(ACCESS, secret, None, None, "test"))
        .endpoint_url(format!("http://{addr}"))
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

pub fn presigned() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()
}

pub fn content_files(dir: &Path) -> usize {
    let shards = std::fs::read_dir(dir.join("contents")).unwrap();
    shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
}

/// The S3 error code and the status of a refused request.
pub trait Refused {
    fn refused(self) -> (String, u16);
}

impl<T: std::fmt::Debug, E> Refused for Result<T, SdkError<E, aws_smithy_runtime_api::http::Response>>
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    fn refused(self) -> (String, u16) {
        let error = self.unwrap_err();
        let status = error.raw_response().expect("an answer").status().as_u16();
        let code = error.as_service_error().and_then(|error| error.code()).unwrap_or_default();
        (code.to_owned(), status)
    }
}

/// The code in an error's XML.
pub fn code(xml: &str) -> &str {
    xml.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(code, _)| code)
}

pub fn sum<C: Checksum>(bytes: &[u8]) -> String {
    STANDARD.encode(C::checksum(bytes))
}

/// The path and query of a URL.
pub fn target(url: &str) -> &str {
    let rest = url.split_once("//").unwrap().1;
    &rest[rest.find('/').unwrap()..]
}

/// The headers that sign a request.
pub fn sign(method: &str, url: &str, headers: &[(&str, &str)], body: SignableBody<'_>) -> String {
    let identity = aws_credential_types::Credentials::new(ACCESS, SECRET, None, None, "test").into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let params = aws_sigv4::sign::v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("s3")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let request = SignableRequest::new(method, url, headers.iter().copied(), body).unwrap();
    let (signed, _) = aws_sigv4::http_request::sign(request, &params).unwrap().into_parts();
    signed.headers().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}

/// Sends a request as it is given, and returns the whole answer. Blocks.
pub fn raw(addr: SocketAddr, head: &str, body: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
