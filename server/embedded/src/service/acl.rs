//! Owns access control lists, which are disabled, as in new buckets of S3: everything belongs to the owner of the
//! bucket, and nobody else can get access.

use s3s::dto::{
    AccessControlPolicy, GetBucketAclInput, GetBucketAclOutput, GetBucketOwnershipControlsInput,
    GetBucketOwnershipControlsOutput, GetObjectAclInput, GetObjectAclOutput, Grant, Grantee, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, Permission, PutBucketAclInput, PutBucketAclOutput,
    PutObjectAclInput, PutObjectAclOutput, Type,
};
use s3s::{S3Request, S3Response};

use super::versions::only_version;
use super::{Service, owner};
use crate::errors::Error;

/// Refuses a canned ACL that gives access to others than the owner.
pub(super) fn check(canned: Option<&str>, grants: bool) -> Result<(), Error> {
    let is_owners = |acl: &str| matches!(acl, "private" | "bucket-owner-full-control" | "bucket-owner-read");
    if grants || canned.is_some_and(|acl| !is_owners(acl)) { Err(Error::AclNotSupported) } else { Ok(()) }
}

/// Returns whether the list or the headers of a request give access to others than the owner.
macro_rules! lets_in_others {
    ($input:ident) => {{
        let grants = [
            &$input.grant_full_control,
            &$input.grant_read,
            &$input.grant_read_acp,
            &$input.grant_write,
            &$input.grant_write_acp,
        ];
        let policy = $input.access_control_policy.as_ref();
        grants.iter().any(|grant| grant.is_some()) || policy.is_some_and(|policy| !is_owners(policy))
    }};
}

pub(super) async fn get_bucket_acl(
    service: &Service,
    request: S3Request<GetBucketAclInput>,
) -> Result<S3Response<GetBucketAclOutput>, Error> {
    service.index.read(move |snapshot| snapshot.need_bucket(&request.input.bucket)).await?;
    Ok(S3Response::new(GetBucketAclOutput { grants: Some(owners()), owner: Some(owner()) }))
}

pub(super) async fn get_object_acl(
    service: &Service,
    request: S3Request<GetObjectAclInput>,
) -> Result<S3Response<GetObjectAclOutput>, Error> {
    let input = request.input;
    only_version(input.version_id.as_deref())?;
    service.index.read(move |snapshot| snapshot.object(&input.bucket, &input.key)).await?;
    let (grants, owner) = (Some(owners()), Some(owner()));
    Ok(S3Response::new(GetObjectAclOutput { grants, owner, ..Default::default() }))
}

pub(super) async fn put_bucket_acl(
    service: &Service,
    request: S3Request<PutBucketAclInput>,
) -> Result<S3Response<PutBucketAclOutput>, Error> {
    let input = request.input;
    service.index.read(move |snapshot| snapshot.need_bucket(&input.bucket)).await?;
    check(input.acl.as_ref().map(s3s::dto::BucketCannedACL::as_str), lets_in_others!(input))?;
    Ok(S3Response::new(PutBucketAclOutput::default()))
}

pub(super) async fn put_object_acl(
    service: &Service,
    request: S3Request<PutObjectAclInput>,
) -> Result<S3Response<PutObjectAclOutput>, Error> {
    let input = request.input;
    only_version(input.version_id.as_deref())?;
    service.index.read(move |snapshot| snapshot.object(&input.bucket, &input.key)).await?;
    check(input.acl.as_ref().map(s3s::dto::ObjectCannedACL::as_str), lets_in_others!(input))?;
    Ok(S3Response::new(PutObjectAclOutput::default()))
}

pub(super) async fn get_bucket_ownership_controls(
    service: &Service,
    request: S3Request<GetBucketOwnershipControlsInput>,
) -> Result<S3Response<GetBucketOwnershipControlsOutput>, Error> {
    service.index.read(move |snapshot| snapshot.need_bucket(&request.input.bucket)).await?;
    let object_ownership = ObjectOwnership::from_static(ObjectOwnership::BUCKET_OWNER_ENFORCED);
    let ownership_controls =
        Some(OwnershipControls { rules: vec![OwnershipControlsRule { object_ownership }] });
    Ok(S3Response::new(GetBucketOwnershipControlsOutput { ownership_controls }))
}

/// Returns whether a list gives everything to the owner and nothing to others, as the list that clients read here
/// does.
fn is_owners(policy: &AccessControlPolicy) -> bool {
    let grants = policy.grants.as_deref().unwrap_or_default();
    grants.iter().all(|grant| {
        let id = grant.grantee.as_ref().and_then(|grantee| grantee.id.as_ref());
        let permission = grant.permission.as_ref().map(Permission::as_str);
        id == owner().id.as_ref() && permission == Some(Permission::FULL_CONTROL)
    })
}

fn owners() -> Vec<Grant> {
    let owner = owner();
    let grantee = Grantee {
        display_name: owner.display_name,
        email_address: None,
        id: owner.id,
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    let permission = Some(Permission::from_static(Permission::FULL_CONTROL));
    vec![Grant { grantee: Some(grantee), permission }]
}
