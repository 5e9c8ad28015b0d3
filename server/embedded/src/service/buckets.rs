//! Owns the operations on buckets.

use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput, HeadBucketOutput,
    ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3Request, S3Response};

use super::{Service, acl, owner, timestamp};
use crate::errors::Error;
use crate::index::Snapshot;
use crate::index::now_ms;

/// S3's first region, which answers in its own way here and there.
const FIRST_REGION: &str = "us-east-1";

pub(super) async fn create_bucket(
    service: &Service,
    request: S3Request<CreateBucketInput>,
) -> Result<S3Response<CreateBucketOutput>, Error> {
    let input = request.input;
    let grants = [
        &input.grant_full_control,
        &input.grant_read,
        &input.grant_read_acp,
        &input.grant_write,
        &input.grant_write_acp,
    ];
    let others = grants.iter().any(|grant| grant.is_some());
    let canned = input.acl.as_ref().map(s3s::dto::BucketCannedACL::as_str);
    acl::check(canned, others).map_err(|_| Error::BucketAcl)?;
    if input.object_lock_enabled_for_bucket == Some(true) {
        return Err(Error::NotImplemented("the store has no object lock".to_owned()));
    }
    let constraint =
        input.create_bucket_configuration.and_then(|configuration| configuration.location_constraint);
    let constraint =
        constraint.as_ref().map(BucketLocationConstraint::as_str).filter(|name| !name.is_empty());
    if let Some(other) = constraint.filter(|name| **name != *service.region) {
        return Err(Error::IllegalLocation(other.to_owned()));
    }
    let bucket = input.bucket;
    let location = Some(format!("/{bucket}"));
    let is_new = service.index.write(None, move |txn| txn.create_bucket(&bucket, now_ms())).await?;
    // That region lets an owner create a bucket again.
    if !is_new && &*service.region != FIRST_REGION {
        return Err(Error::BucketAlreadyOwnedByYou);
    }
    Ok(S3Response::new(CreateBucketOutput { location, ..Default::default() }))
}

pub(super) async fn head_bucket(
    service: &Service,
    request: S3Request<HeadBucketInput>,
) -> Result<S3Response<HeadBucketOutput>, Error> {
    service.index.read(move |snapshot| snapshot.need_bucket(&request.input.bucket)).await?;
    let bucket_region = Some(service.region.to_string());
    Ok(S3Response::new(HeadBucketOutput { bucket_region, ..Default::default() }))
}

pub(super) async fn list_buckets(
    service: &Service,
    request: S3Request<ListBucketsInput>,
) -> Result<S3Response<ListBucketsOutput>, Error> {
    let ListBucketsInput { continuation_token, max_buckets, prefix, .. } = request.input;
    let limit = match max_buckets {
        None => usize::MAX,
        Some(max) => usize::try_from(max)
            .ok()
            .filter(|max| (1..=10_000).contains(max))
            .ok_or_else(|| Error::InvalidArgument("max-buckets must be 1 to 10000".to_owned()))?,
    };
    let all = service.index.read(Snapshot::buckets).await?;
    let wanted = |name: &str| {
        prefix.as_deref().is_none_or(|prefix| name.starts_with(prefix))
            && continuation_token.as_deref().is_none_or(|after| name > after)
    };
    let mut rest = all.into_iter().filter(|(name, _)| wanted(name));
    let buckets: Vec<Bucket> = rest
        .by_ref()
        .take(limit)
        .map(|(name, created)| Bucket {
            name: Some(name),
            creation_date: Some(timestamp(created)),
            bucket_region: Some(service.region.to_string()),
            ..Default::default()
        })
        .collect();
    let continuation_token = rest.next().and_then(|_| buckets.last()?.name.clone());
    let output =
        ListBucketsOutput { buckets: Some(buckets), owner: Some(owner()), continuation_token, prefix };
    Ok(S3Response::new(output))
}

pub(super) async fn delete_bucket(
    service: &Service,
    request: S3Request<DeleteBucketInput>,
) -> Result<S3Response<DeleteBucketOutput>, Error> {
    service.index.write(None, move |txn| txn.delete_bucket(&request.input.bucket)).await?;
    Ok(S3Response::new(DeleteBucketOutput::default()))
}

pub(super) async fn get_bucket_location(
    service: &Service,
    request: S3Request<GetBucketLocationInput>,
) -> Result<S3Response<GetBucketLocationOutput>, Error> {
    service.index.read(move |snapshot| snapshot.need_bucket(&request.input.bucket)).await?;
    // S3 leaves out its first region.
    let named = Some(service.region.to_string()).filter(|region| region != FIRST_REGION);
    let location_constraint = named.map(BucketLocationConstraint::from);
    Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
}
