//! The store over the AWS SDK.

use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat as Format};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, MetadataDirective,
    ServerSideEncryption, TaggingDirective,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use bytes::Bytes;
use partway_shared::checksum::{Checksum, ChecksumKind, Crc64Nvme, Md5};
use partway_shared::part::{ETag, PartNumber};
use partway_shared::wire::StoredPart;

use crate::attributes::{Attributes, UPLOAD_MARK};
use crate::signing::CopiedObject;
use crate::terms::RequestTerms;

use super::avoided::{Avoided, Without};
use super::error::region_of;
use super::retry::HeedRetryAfter;
use super::terms::SayTerms;
use super::{
    CompleteParams, CopySource, NewObject, Optional, Store, StoreError, StoredObject, UnsignedHeaders,
    UploadRef,
};

/// How to reach a bucket.
#[derive(Clone, Debug)]
pub struct S3StoreOptions {
    /// The bucket's name.
    pub bucket: String,
    /// The bucket's region.
    pub region: String,
    /// The endpoint, if it is not AWS's.
    pub endpoint: Option<String>,
    /// Whether the bucket is in the path instead of the host name.
    pub path_style: bool,
    /// Whether AWS's endpoint is reached over IPv6 as well.
    pub dual_stack: bool,
    /// The provider of credentials.
    pub credentials: SharedCredentialsProvider,
    /// The HTTP client of the SDK.
    pub http_client: SharedHttpClient,
    /// What every request says.
    pub terms: RequestTerms,
}

/// A bucket, by the AWS SDK.
#[derive(Clone, Debug)]
pub struct S3Store {
    pub(super) client: Client,
    pub(super) bucket: String,
    pub(super) avoided: Avoided,
}

impl S3Store {
    /// Creates a client for one bucket. Sends nothing yet.
    #[must_use]
    pub fn new(options: S3StoreOptions) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            // Complete may take S3 minutes, during which it sends white space.
            .read_timeout(Duration::from_secs(120))
            .build();
        let mut config = aws_sdk_s3::Config::builder();
        config.set_endpoint_url(options.endpoint);
        let config = config
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(options.region))
            .force_path_style(options.path_style)
            .use_dual_stack(options.dual_stack)
            .credentials_provider(options.credentials)
            .http_client(options.http_client)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .retry_classifier(HeedRetryAfter)
            .interceptor(SayTerms(options.terms))
            // The default adds checksums of its own to requests, which other stores refuse.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Self { client: Client::from_conf(config), bucket: options.bucket, avoided: Avoided::default() }
    }
}

impl S3Store {
    /// Returns the head of an object, with its checksum where the store tells it; `None` when there is none.
    pub(super) async fn head_object(
        &self,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<Option<HeadObjectOutput>, StoreError> {
        let request = self.client.head_object().bucket(&self.bucket).key(key);
        let request = request.set_version_id(version_id.map(str::to_owned));
        let send = |without: Without| {
            let mode = without.has(Optional::ChecksumMode).then_some(ChecksumMode::Enabled);
            let request = request.clone().set_checksum_mode(mode);
            async {
                match request.send().await {
                    Ok(head) => Ok(Some(head)),
                    Err(error) if is_status(&error, 404) => Ok(None),
                    // What is no version's id, and a version that is a delete marker.
                    Err(error)
                        if version_id.is_some()
                            && is_any(&error, &[400, 405])
                            && error.raw_response().and_then(region_of).is_none() =>
                    {
                        Ok(None)
                    }
                    Err(error) => Err(error.into()),
                }
            }
        };
        self.avoided.send(&[Optional::ChecksumMode], send).await
    }
}

#[async_trait]
impl Store for S3Store {
    async fn create_upload(&self, object: NewObject<'_>) -> Result<String, StoreError> {
        let mut request = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(object.key)
            .content_type(object.content_type)
            .set_content_disposition(object.content_disposition.map(str::to_owned));
        let attributes = object.attributes;
        request = request
            .set_cache_control(attributes.cache_control.clone())
            .set_content_encoding(attributes.content_encoding.clone())
            .set_content_language(attributes.content_language.clone())
            .set_expires(expires(attributes))
            .set_metadata(Some(attributes.metadata.clone().into_iter().collect()))
            .set_tagging(attributes.tagging())
            .set_storage_class(attributes.storage_class.as_deref().map(Into::into))
            .set_server_side_encryption(attributes.encryption.map(|kind| kind.as_str().into()))
            .set_ssekms_key_id(attributes.kms_key_id.clone())
            .set_acl(attributes.acl.as_deref().map(Into::into));
        if object.checksum == ChecksumKind::Crc64Nvme {
            request = request
                .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
                .checksum_type(ChecksumType::FullObject);
        }
        let created = request.customize().mutate_request(add_headers(attributes)).send().await?;
        created.upload_id.ok_or_else(|| StoreError::Misbehaved("a created upload has no id".to_owned()))
    }

    async fn list_parts(&self, upload: UploadRef<'_>) -> Result<Vec<StoredPart>, StoreError> {
        let pages = self
            .client
            .list_parts()
            .bucket(&self.bucket)
            .key(upload.key)
            .upload_id(upload.upload_id)
            .into_paginator()
            .items()
            .send();
        let mut pages = pages;
        let mut parts = Vec::new();
        while let Some(part) = pages.next().await {
            parts.push(stored_part(&part?)?);
        }
        parts.sort_by_key(|part: &StoredPart| part.part_number);
        Ok(parts)
    }

    async fn complete_upload(
        &self,
        upload: UploadRef<'_>,
        params: CompleteParams<'_>,
    ) -> Result<(), StoreError> {
        let parts = params.parts.iter().map(|part| {
            aws_sdk_s3::types::CompletedPart::builder()
                .part_number(i32::try_from(part.part_number.get()).unwrap_or(i32::MAX))
                .e_tag(part.etag.quoted())
                .build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let mut request = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(upload.key)
            .upload_id(upload.upload_id)
            .multipart_upload(parts);
        if let Some(checksum) = params.checksum {
            request =
                request.checksum_crc64_nvme(checksum.to_string()).checksum_type(ChecksumType::FullObject);
        }
        let size = i64::try_from(params.size).ok();
        let mut optional = vec![Optional::ObjectSize];
        optional.extend(params.keeps_existing.then_some(Optional::CompleteIfNoneMatch));
        let send = |without: Without| {
            let keeps = params.keeps_existing && without.has(Optional::CompleteIfNoneMatch);
            let request = request
                .clone()
                .set_mpu_object_size(size.filter(|_| without.has(Optional::ObjectSize)))
                .set_if_none_match(keeps.then(|| "*".to_owned()));
            async { Ok(request.send().await.map(drop)?) }
        };
        self.avoided.send(&optional, send).await
    }

    async fn abort_upload(&self, upload: UploadRef<'_>) -> Result<(), StoreError> {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket);
        request.key(upload.key).upload_id(upload.upload_id).send().await?;
        Ok(())
    }

    async fn head(&self, key: &str) -> Result<Option<StoredObject>, StoreError> {
        self.head_object(key, None).await?.map(stored_object).transpose()
    }

    async fn first_bytes(
        &self,
        key: &str,
        version_id: Option<&str>,
        etag: &ETag,
        count: u64,
    ) -> Result<Bytes, StoreError> {
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let request = request.set_version_id(version_id.map(str::to_owned));
        let request = request.set_if_match((!etag.is_empty()).then(|| etag.quoted()));
        let got = match request.range(format!("bytes=0-{}", count.saturating_sub(1))).send().await {
            Ok(got) => got,
            // An object without bytes has no range.
            Err(error) if is_status(&error, 416) => return Ok(Bytes::new()),
            Err(error) if is_status(&error, 412) => return Err(StoreError::Changed),
            Err(error) => return Err(error.into()),
        };
        // Not every store knows the condition.
        if got.e_tag.as_deref().is_some_and(|got| ETag::new(got) != *etag) {
            return Err(StoreError::Changed);
        }
        let read = got.body.collect().await;
        let read = read.map_err(|error| StoreError::unavailable(format!("reading an object: {error}")))?;
        Ok(read.into_bytes())
    }

    async fn copy(&self, source: CopySource<'_>, to: NewObject<'_>) -> Result<StoredObject, StoreError> {
        let attributes = to.attributes;
        let etag = &source.object.etag;
        let copied = CopiedObject {
            bucket: source.bucket.unwrap_or(&self.bucket),
            key: source.key,
            version_id: source.version_id,
            etag,
        };
        let request = self
            .client
            .copy_object()
            .bucket(&self.bucket)
            .key(to.key)
            .copy_source(copied.copy_source())
            .set_copy_source_if_match((!etag.is_empty()).then(|| etag.quoted()))
            .metadata_directive(MetadataDirective::Replace)
            .content_type(to.content_type)
            .set_content_disposition(to.content_disposition.map(str::to_owned))
            .set_cache_control(attributes.cache_control.clone())
            .set_content_encoding(attributes.content_encoding.clone())
            .set_content_language(attributes.content_language.clone())
            .set_expires(expires(attributes))
            .set_metadata(Some(attributes.metadata.clone().into_iter().collect()))
            .set_storage_class(attributes.storage_class.as_deref().map(Into::into))
            .set_server_side_encryption(attributes.encryption.map(|kind| kind.as_str().into()))
            .set_ssekms_key_id(attributes.kms_key_id.clone())
            .set_acl(attributes.acl.as_deref().map(Into::into))
            .set_tagging(attributes.tagging().filter(|_| !source.keeps_tags));
        let mut optional = Vec::new();
        optional.extend(attributes.keeps_existing.then_some(Optional::CopyIfNoneMatch));
        let removes_tags = !source.keeps_tags && attributes.tags.is_empty();
        optional.extend(removes_tags.then_some(Optional::CopyTaggingDirective));
        let send = |without: Without| {
            let keeps = attributes.keeps_existing && without.has(Optional::CopyIfNoneMatch);
            let retags = !source.keeps_tags
                && (!attributes.tags.is_empty() || without.has(Optional::CopyTaggingDirective));
            let request = request
                .clone()
                .set_if_none_match(keeps.then(|| "*".to_owned()))
                .set_tagging_directive(retags.then_some(TaggingDirective::Replace))
                .customize()
                .mutate_request(add_headers(attributes));
            async { Ok(request.send().await?) }
        };
        let copied = self.avoided.send(&optional, send).await?;
        let is_kms = !matches!(copied.server_side_encryption, None | Some(ServerSideEncryption::Aes256));
        // Garage names one of each copy, and of no object that is looked at.
        let has_versions = source.object.version_id.is_some();
        let version_id = copied.version_id.filter(|id| has_versions && id != "null");
        let result = copied.copy_object_result;
        let result = result.ok_or_else(|| StoreError::unavailable("a copy was answered with nothing"))?;
        Ok(StoredObject {
            size: source.object.size,
            etag: ETag::new(result.e_tag.as_deref().unwrap_or_default()),
            has_md5_etag: !is_kms,
            checksum: whole_checksum(result.checksum_crc64_nvme, result.checksum_type.as_ref()),
            version_id,
            mark: attributes.metadata.get(UPLOAD_MARK).cloned(),
            headers: UnsignedHeaders {
                cache_control: attributes.cache_control.clone(),
                content_disposition: to.content_disposition.map(str::to_owned),
                content_encoding: attributes.content_encoding.clone(),
                content_language: attributes.content_language.clone(),
                expires: attributes.expires.clone(),
            },
        })
    }

    async fn put_empty(&self, key: &str, attributes: &Attributes) -> Result<Option<String>, StoreError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        let put = request
            .set_server_side_encryption(attributes.encryption.map(|kind| kind.as_str().into()))
            .set_ssekms_key_id(attributes.kms_key_id.clone())
            // A bucket with object lock takes nothing without a checksum, and every store knows this one.
            .content_md5(String::from(Checksum::from(Md5::of(b""))))
            .body(ByteStream::from_static(b""));
        let put = put.customize().mutate_request(add_headers(attributes)).send().await?;
        Ok(put.version_id.filter(|id| id != "null"))
    }

    async fn delete(&self, key: &str, version_id: Option<&str>) -> Result<(), StoreError> {
        let request = self.client.delete_object().bucket(&self.bucket).key(key);
        let Some(version_id) = version_id else {
            request.send().await?;
            return Ok(());
        };
        match request.clone().version_id(version_id).send().await.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::NoSuchUpload) => Ok(()),
            // It takes a permission of its own, without which the bytes stay as a version that is no longer current; and some
            // stores name versions that they do not know afterwards.
            Err(StoreError::Denied(_) | StoreError::Misbehaved(_)) => {
                request.send().await?;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

pub(super) fn is_status<E>(error: &SdkError<E, HttpResponse>, status: u16) -> bool {
    is_any(error, &[status])
}

fn is_any<E>(error: &SdkError<E, HttpResponse>, statuses: &[u16]) -> bool {
    error.raw_response().is_some_and(|response| statuses.contains(&response.status().as_u16()))
}

/// Returns what adds those headers to a request that have no names here.
fn add_headers(attributes: &Attributes) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
    let more = attributes.more.clone();
    move |request| {
        for (&name, value) in &more {
            // One that is no header has been refused where it was given.
            let _ = request.headers_mut().try_insert(name, value.clone());
        }
    }
}

/// Returns whether the ETag is made of MD5s, which it is not where the store encrypts with keys other than its own.
pub(super) fn has_md5_etag(head: &HeadObjectOutput) -> bool {
    head.sse_customer_algorithm.is_none()
        && matches!(head.server_side_encryption, None | Some(ServerSideEncryption::Aes256))
}

/// Returns when an object expires, for the SDK, which writes the date anew.
fn expires(attributes: &Attributes) -> Option<DateTime> {
    DateTime::from_str(attributes.expires.as_deref()?, Format::HttpDate).ok()
}

fn stored_object(head: HeadObjectOutput) -> Result<StoredObject, StoreError> {
    let size = head.content_length.and_then(|size| u64::try_from(size).ok());
    Ok(StoredObject {
        size: size.ok_or_else(|| StoreError::Misbehaved("an object has no length".to_owned()))?,
        etag: ETag::new(head.e_tag.as_deref().unwrap_or_default()),
        has_md5_etag: has_md5_etag(&head),
        checksum: whole_checksum(head.checksum_crc64_nvme, head.checksum_type.as_ref()),
        version_id: head.version_id.filter(|id| id != "null"),
        mark: head.metadata.and_then(|mut metadata| metadata.remove(UPLOAD_MARK)),
        headers: UnsignedHeaders {
            cache_control: head.cache_control,
            content_disposition: head.content_disposition,
            content_encoding: head.content_encoding,
            content_language: head.content_language,
            expires: head.expires_string,
        },
    })
}

/// Parses the checksum of a whole object. A composite checksum is one of the parts' checksums, and says nothing of
/// the bytes.
pub(super) fn whole_checksum(text: Option<String>, kind: Option<&ChecksumType>) -> Option<Crc64Nvme> {
    text.filter(|_| kind != Some(&ChecksumType::Composite)).and_then(|text| text.parse().ok())
}

fn stored_part(part: &aws_sdk_s3::types::Part) -> Result<StoredPart, StoreError> {
    let misbehaved = |what: &str| StoreError::Misbehaved(format!("a listed part has no usable {what}"));
    let number = part.part_number.and_then(|number| u32::try_from(number).ok());
    let number = number.and_then(|number| PartNumber::new(number).ok());
    let size = part.size.and_then(|size| u64::try_from(size).ok());
    Ok(StoredPart {
        part_number: number.ok_or_else(|| misbehaved("number"))?,
        size: size.ok_or_else(|| misbehaved("size"))?,
        etag: ETag::new(part.e_tag.as_deref().ok_or_else(|| misbehaved("ETag"))?),
        checksum: part
            .checksum_crc64_nvme
            .as_ref()
            .and_then(|text| text.parse::<Crc64Nvme>().ok())
            .map(Checksum::from),
    })
}
