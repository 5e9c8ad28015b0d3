//! Owns the answers about bucket settings that cannot be made here: what S3 answers where nothing is set, since
//! clients ask first.

use s3s::dto::*;
use s3s::{S3Request, S3Response};

use super::Service;
use crate::errors::Error;

/// A getter that reports that nothing is set, by S3's code for that.
macro_rules! not_set {
    ($($name:ident, $input:ty => $output:ty, $code:literal, $what:literal;)*) => {
        $(
            pub(super) async fn $name(
                service: &Service,
                request: S3Request<$input>,
            ) -> Result<S3Response<$output>, Error> {
                service.index.read(move |snapshot| snapshot.need_bucket(&request.input.bucket)).await?;
                Err(Error::NotSet { code: $code, what: $what })
            }
        )*
    };
}

not_set! {
    get_bucket_encryption, GetBucketEncryptionInput => GetBucketEncryptionOutput,
        "ServerSideEncryptionConfigurationNotFoundError", "the server side encryption configuration";
    get_bucket_policy, GetBucketPolicyInput => GetBucketPolicyOutput,
        "NoSuchBucketPolicy", "the bucket policy";
    get_bucket_policy_status, GetBucketPolicyStatusInput => GetBucketPolicyStatusOutput,
        "NoSuchBucketPolicy", "the bucket policy";
    get_bucket_replication, GetBucketReplicationInput => GetBucketReplicationOutput,
        "ReplicationConfigurationNotFoundError", "the replication configuration";
    get_bucket_tagging, GetBucketTaggingInput => GetBucketTaggingOutput,
        "NoSuchTagSet", "the tag set";
    get_bucket_website, GetBucketWebsiteInput => GetBucketWebsiteOutput,
        "NoSuchWebsiteConfiguration", "the website configuration";
    get_object_lock_configuration, GetObjectLockConfigurationInput => GetObjectLockConfigurationOutput,
        "ObjectLockConfigurationNotFoundError", "the object lock configuration";
    get_object_retention, GetObjectRetentionInput => GetObjectRetentionOutput,
        "NoSuchObjectLockConfiguration", "the object lock configuration";
    get_object_legal_hold, GetObjectLegalHoldInput => GetObjectLegalHoldOutput,
        "NoSuchObjectLockConfiguration", "the object lock configuration";
    get_public_access_block, GetPublicAccessBlockInput => GetPublicAccessBlockOutput,
        "NoSuchPublicAccessBlockConfiguration", "the public access block configuration";
}

/// A getter whose answer is empty where nothing is set.
macro_rules! empty {
    ($($name:ident, $input:ty => $output:ident;)*) => {
        $(
            pub(super) async fn $name(
                service: &Service,
                request: S3Request<$input>,
            ) -> Result<S3Response<$output>, Error> {
                service.index.read(move |snapshot| snapshot.need_bucket(&request.input.bucket)).await?;
                Ok(S3Response::new($output::default()))
            }
        )*
    };
}

empty! {
    get_bucket_accelerate_configuration, GetBucketAccelerateConfigurationInput => GetBucketAccelerateConfigurationOutput;
    get_bucket_logging, GetBucketLoggingInput => GetBucketLoggingOutput;
    get_bucket_notification_configuration, GetBucketNotificationConfigurationInput => GetBucketNotificationConfigurationOutput;
    get_bucket_versioning, GetBucketVersioningInput => GetBucketVersioningOutput;
    delete_bucket_policy, DeleteBucketPolicyInput => DeleteBucketPolicyOutput;
    delete_bucket_tagging, DeleteBucketTaggingInput => DeleteBucketTaggingOutput;
    delete_bucket_website, DeleteBucketWebsiteInput => DeleteBucketWebsiteOutput;
    delete_bucket_encryption, DeleteBucketEncryptionInput => DeleteBucketEncryptionOutput;
    delete_public_access_block, DeletePublicAccessBlockInput => DeletePublicAccessBlockOutput;
}

pub(super) async fn get_bucket_request_payment(
    service: &Service,
    request: S3Request<GetBucketRequestPaymentInput>,
) -> Result<S3Response<GetBucketRequestPaymentOutput>, Error> {
    service.index.read(move |snapshot| snapshot.need_bucket(&request.input.bucket)).await?;
    let payer = Some(Payer::from_static(Payer::BUCKET_OWNER));
    Ok(S3Response::new(GetBucketRequestPaymentOutput { payer }))
}
