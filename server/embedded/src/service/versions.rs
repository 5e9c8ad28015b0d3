//! Owns the answers about versions: each object has one, which S3 calls `null`.

use s3s::dto::{ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion};
use s3s::{S3Request, S3Response};

use super::listing::{Writing, limit, page, split};
use super::{Service, etag, owner, size, timestamp};
use crate::errors::Error;
use crate::index::ObjectQuery;

/// S3's name of the version of an object in a bucket without versions.
pub(super) const ONLY: &str = "null";

/// The length of S3's own version ids.
const ID_LENGTH: usize = 32;

/// Refuses requests for a version other than `null`.
pub(super) fn only_version(version: Option<&str>) -> Result<(), Error> {
    match version {
        None | Some(ONLY) => Ok(()),
        Some(id) if id.len() == ID_LENGTH => Err(Error::NoSuchVersion),
        Some(_) => Err(Error::InvalidArgument("Invalid version id specified".to_owned())),
    }
}

pub(super) async fn list_object_versions(
    service: &Service,
    request: S3Request<ListObjectVersionsInput>,
) -> Result<S3Response<ListObjectVersionsOutput>, Error> {
    let input = request.input;
    let write = Writing::new(input.encoding_type.as_ref())?;
    let limit = limit(input.max_keys, "max-keys")?;
    if input.version_id_marker.is_some() && input.key_marker.is_none() {
        return Err(Error::InvalidArgument(
            "A version-id marker cannot be specified without a key marker.".to_owned(),
        ));
    }
    let query = ObjectQuery {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.key_marker.clone().unwrap_or_default(),
        limit,
    };
    let (entries, more) = page(service, query).await?;
    let last = entries.last().filter(|_| more);
    let next_key_marker = last.map(|entry| write.text(entry.name()));
    let (objects, common_prefixes) = split(entries, write);
    let next_version_id_marker = next_key_marker.as_ref().map(|_| ONLY.to_owned());
    let versions = objects.into_iter().map(|(key, object)| ObjectVersion {
        e_tag: Some(etag(&object.etag)),
        is_latest: Some(true),
        key: Some(write.text(&key)),
        last_modified: Some(timestamp(object.modified_ms)),
        owner: Some(owner()),
        size: Some(size(object.size)),
        storage_class: Some(object.about.storage_class.unwrap_or("STANDARD".to_owned()).into()),
        version_id: Some(ONLY.to_owned()),
        ..Default::default()
    });
    Ok(write.answer(ListObjectVersionsOutput {
        versions: Some(versions.collect()),
        common_prefixes: Some(common_prefixes),
        delimiter: input.delimiter.as_deref().map(|text| write.text(text)),
        encoding_type: input.encoding_type,
        is_truncated: Some(more),
        key_marker: Some(write.text(input.key_marker.as_deref().unwrap_or_default())),
        max_keys: i32::try_from(limit).ok(),
        name: Some(input.bucket),
        next_key_marker,
        next_version_id_marker,
        prefix: Some(write.text(input.prefix.as_deref().unwrap_or_default())),
        version_id_marker: input.version_id_marker,
        ..Default::default()
    }))
}
