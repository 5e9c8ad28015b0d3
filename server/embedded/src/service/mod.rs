//! Owns the S3 operations: what each request does with the index and the contents. Never knows sockets, signatures or
//! the format of requests, which are the protocol layer's.

mod about;
mod acl;
mod attributes;
mod buckets;
mod copies;
mod cors;
mod forms;
pub(crate) mod lifecycle;
mod listing;
mod multipart;
mod objects;
mod puts;
mod tagging;
mod unset;
mod unsupported;
mod versions;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

#[allow(clippy::wildcard_imports, reason = "two types for each of the operations below")]
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use super::contents::Contents;
use super::escapes::Escaped;
use super::index::Index;
use super::options::{Options, Origins};
use super::seen;

/// The operations on one open store.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    index: Arc<Index>,
    contents: Arc<Contents>,
    region: Arc<str>,
    origins: Arc<Origins>,
}

impl Service {
    pub(crate) fn new(index: Index, contents: Arc<Contents>, options: &Options) -> Self {
        let origins = Arc::new(options.allowed_origins.clone());
        Self { index: Arc::new(index), contents, region: options.region.as_str().into(), origins }
    }
}

/// Forwards each operation to the file that owns it.
macro_rules! operations {
    ($($name:ident => $file:ident, $input:ty => $output:ty;)*) => {
        #[async_trait::async_trait]
        impl S3 for Service {
            $(
                async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    seen::verify_xml(&request.extensions, &request.headers)?;
                    Ok($file::$name(self, request).await?)
                }
            )*
        }
    };
}

operations! {
    create_bucket => buckets, CreateBucketInput => CreateBucketOutput;
    head_bucket => buckets, HeadBucketInput => HeadBucketOutput;
    list_buckets => buckets, ListBucketsInput => ListBucketsOutput;
    delete_bucket => buckets, DeleteBucketInput => DeleteBucketOutput;
    get_bucket_location => buckets, GetBucketLocationInput => GetBucketLocationOutput;
    get_bucket_acl => acl, GetBucketAclInput => GetBucketAclOutput;
    put_bucket_acl => acl, PutBucketAclInput => PutBucketAclOutput;
    get_object_acl => acl, GetObjectAclInput => GetObjectAclOutput;
    put_object_acl => acl, PutObjectAclInput => PutObjectAclOutput;
    get_bucket_ownership_controls => acl, GetBucketOwnershipControlsInput => GetBucketOwnershipControlsOutput;
    get_bucket_cors => cors, GetBucketCorsInput => GetBucketCorsOutput;
    put_bucket_cors => cors, PutBucketCorsInput => PutBucketCorsOutput;
    get_bucket_lifecycle_configuration => lifecycle,
        GetBucketLifecycleConfigurationInput => GetBucketLifecycleConfigurationOutput;
    put_bucket_lifecycle_configuration => lifecycle,
        PutBucketLifecycleConfigurationInput => PutBucketLifecycleConfigurationOutput;
    delete_bucket_lifecycle => lifecycle, DeleteBucketLifecycleInput => DeleteBucketLifecycleOutput;
    get_bucket_accelerate_configuration => unset,
        GetBucketAccelerateConfigurationInput => GetBucketAccelerateConfigurationOutput;
    get_bucket_encryption => unset, GetBucketEncryptionInput => GetBucketEncryptionOutput;
    get_bucket_logging => unset, GetBucketLoggingInput => GetBucketLoggingOutput;
    get_bucket_notification_configuration => unset,
        GetBucketNotificationConfigurationInput => GetBucketNotificationConfigurationOutput;
    get_bucket_policy => unset, GetBucketPolicyInput => GetBucketPolicyOutput;
    get_bucket_policy_status => unset, GetBucketPolicyStatusInput => GetBucketPolicyStatusOutput;
    get_bucket_replication => unset, GetBucketReplicationInput => GetBucketReplicationOutput;
    get_bucket_request_payment => unset, GetBucketRequestPaymentInput => GetBucketRequestPaymentOutput;
    get_bucket_tagging => unset, GetBucketTaggingInput => GetBucketTaggingOutput;
    get_bucket_versioning => unset, GetBucketVersioningInput => GetBucketVersioningOutput;
    get_bucket_website => unset, GetBucketWebsiteInput => GetBucketWebsiteOutput;
    get_object_legal_hold => unset, GetObjectLegalHoldInput => GetObjectLegalHoldOutput;
    get_object_lock_configuration => unset, GetObjectLockConfigurationInput => GetObjectLockConfigurationOutput;
    get_object_retention => unset, GetObjectRetentionInput => GetObjectRetentionOutput;
    get_public_access_block => unset, GetPublicAccessBlockInput => GetPublicAccessBlockOutput;
    delete_bucket_encryption => unset, DeleteBucketEncryptionInput => DeleteBucketEncryptionOutput;
    delete_bucket_policy => unset, DeleteBucketPolicyInput => DeleteBucketPolicyOutput;
    delete_bucket_tagging => unset, DeleteBucketTaggingInput => DeleteBucketTaggingOutput;
    delete_bucket_website => unset, DeleteBucketWebsiteInput => DeleteBucketWebsiteOutput;
    delete_public_access_block => unset, DeletePublicAccessBlockInput => DeletePublicAccessBlockOutput;
    put_object => puts, PutObjectInput => PutObjectOutput;
    post_object => forms, PostObjectInput => PostObjectOutput;
    get_object => objects, GetObjectInput => GetObjectOutput;
    head_object => objects, HeadObjectInput => HeadObjectOutput;
    get_object_attributes => attributes, GetObjectAttributesInput => GetObjectAttributesOutput;
    get_object_tagging => tagging, GetObjectTaggingInput => GetObjectTaggingOutput;
    put_object_tagging => tagging, PutObjectTaggingInput => PutObjectTaggingOutput;
    delete_object_tagging => tagging, DeleteObjectTaggingInput => DeleteObjectTaggingOutput;
    delete_object => objects, DeleteObjectInput => DeleteObjectOutput;
    delete_objects => objects, DeleteObjectsInput => DeleteObjectsOutput;
    copy_object => copies, CopyObjectInput => CopyObjectOutput;
    list_objects => listing, ListObjectsInput => ListObjectsOutput;
    list_objects_v2 => listing, ListObjectsV2Input => ListObjectsV2Output;
    list_object_versions => versions, ListObjectVersionsInput => ListObjectVersionsOutput;
    list_multipart_uploads => listing, ListMultipartUploadsInput => ListMultipartUploadsOutput;
    create_multipart_upload => multipart, CreateMultipartUploadInput => CreateMultipartUploadOutput;
    upload_part => multipart, UploadPartInput => UploadPartOutput;
    upload_part_copy => multipart, UploadPartCopyInput => UploadPartCopyOutput;
    list_parts => multipart, ListPartsInput => ListPartsOutput;
    complete_multipart_upload => multipart, CompleteMultipartUploadInput => CompleteMultipartUploadOutput;
    abort_multipart_upload => multipart, AbortMultipartUploadInput => AbortMultipartUploadOutput;
}

/// Converts a record's time for an answer.
fn timestamp(ms: u64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(ms))
}

/// Converts a record's ETag for an answer.
fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

/// Converts a record's size for an answer.
fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Returns the owner of everything, who has the access key.
fn owner() -> Owner {
    Owner { display_name: Some("partway".to_owned()), id: Some("partway".to_owned()) }
}

/// Returns an answer whose names went through [`escapes::disguise`](super::escapes::disguise).
fn in_disguise<T>(output: T) -> S3Response<T> {
    let mut answer = S3Response::new(output);
    answer.extensions.insert(Escaped);
    answer
}
