//! Owns the S3 operations: what each request means for the index and the contents. Never knows
//! sockets, signatures or how requests are written; those are the protocol layer's.

mod buckets;
mod forms;
mod listing;
mod multipart;
mod objects;
mod puts;
mod unkept;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

#[allow(clippy::wildcard_imports, reason = "two types for each of the operations below")]
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use super::contents::Contents;
use super::index::Index;

/// The operations on one open store.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    index: Arc<Index>,
    contents: Arc<Contents>,
    region: Arc<str>,
}

impl Service {
    pub(crate) fn new(index: Index, contents: Arc<Contents>, region: &str) -> Self {
        Self { index: Arc::new(index), contents, region: region.into() }
    }
}

/// Hands each operation to the file that owns it.
macro_rules! operations {
    ($($name:ident => $file:ident, $input:ty => $output:ty;)*) => {
        #[async_trait::async_trait]
        impl S3 for Service {
            $(
                async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
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
    get_bucket_versioning => buckets, GetBucketVersioningInput => GetBucketVersioningOutput;
    put_object => puts, PutObjectInput => PutObjectOutput;
    post_object => forms, PostObjectInput => PostObjectOutput;
    get_object => objects, GetObjectInput => GetObjectOutput;
    head_object => objects, HeadObjectInput => HeadObjectOutput;
    get_object_tagging => objects, GetObjectTaggingInput => GetObjectTaggingOutput;
    delete_object => objects, DeleteObjectInput => DeleteObjectOutput;
    delete_objects => objects, DeleteObjectsInput => DeleteObjectsOutput;
    copy_object => puts, CopyObjectInput => CopyObjectOutput;
    list_objects => listing, ListObjectsInput => ListObjectsOutput;
    list_objects_v2 => listing, ListObjectsV2Input => ListObjectsV2Output;
    list_multipart_uploads => listing, ListMultipartUploadsInput => ListMultipartUploadsOutput;
    create_multipart_upload => multipart, CreateMultipartUploadInput => CreateMultipartUploadOutput;
    upload_part => multipart, UploadPartInput => UploadPartOutput;
    upload_part_copy => multipart, UploadPartCopyInput => UploadPartCopyOutput;
    list_parts => multipart, ListPartsInput => ListPartsOutput;
    complete_multipart_upload => multipart, CompleteMultipartUploadInput => CompleteMultipartUploadOutput;
    abort_multipart_upload => multipart, AbortMultipartUploadInput => AbortMultipartUploadOutput;
}

/// A time of a record, as answers have it.
fn timestamp(ms: u64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(ms))
}

/// An ETag of a record, as answers have it.
fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

/// A size of a record, as answers have it.
fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Everything belongs to the holder of the access key.
fn owner() -> Owner {
    Owner { display_name: Some("partway".to_owned()), id: Some("partway".to_owned()) }
}
