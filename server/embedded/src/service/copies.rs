//! Owns CopyObject. A copy consists of records that share the source's contents; bytes are read only if the request
//! asks for a checksum that the source lacks.

use futures_util::StreamExt as _;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, MetadataDirective, TaggingDirective,
};
use s3s::{S3Request, S3Response};
use tokio::task::spawn_blocking;

use super::about::about;
use super::unsupported::refuse_unsupported;
use super::versions::only_version;
use super::{Service, etag, timestamp};
use crate::checksums::{Algorithm, answer_checksums};
use crate::conditions::{ReadConditions, WriteConditions};
use crate::digest::Hasher;
use crate::errors::Error;
use crate::index::now_ms;
use crate::index::{About, Body, Object};
use crate::keys;
use crate::range::Stretch;
use crate::reading::Reading;

pub(super) async fn copy_object(
    service: &Service,
    request: S3Request<CopyObjectInput>,
) -> Result<S3Response<CopyObjectOutput>, Error> {
    let input = request.input;
    keys::check(&input.key)?;
    refuse_unsupported!(input);
    let (from_bucket, from_key) = copy_source(&input.copy_source)?;
    let is = |directive: Option<&str>, replace: &str| directive == Some(replace);
    let replace =
        is(input.metadata_directive.as_ref().map(MetadataDirective::as_str), MetadataDirective::REPLACE);
    let retag = is(input.tagging_directive.as_ref().map(TaggingDirective::as_str), TaggingDirective::REPLACE);
    if !replace
        && !retag
        && input.storage_class.is_none()
        && input.server_side_encryption.is_none()
        && (from_bucket.as_str(), from_key.as_str()) == (&input.bucket, &input.key)
    {
        return Err(Error::InvalidRequest(
            "a copy onto itself must change something, such as the metadata".to_owned(),
        ));
    }
    let wanted =
        input.checksum_algorithm.as_ref().map(|name| Algorithm::from_name(name.as_str())).transpose()?;
    let source_conditions = ReadConditions {
        if_match: input.copy_source_if_match.clone(),
        if_none_match: input.copy_source_if_none_match.clone(),
        if_modified_since: input.copy_source_if_modified_since.clone(),
        if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
    };
    let computed = match wanted {
        Some(algorithm) => compute(service, (&from_bucket, &from_key), algorithm, &source_conditions).await?,
        None => None,
    };
    let conditions =
        WriteConditions { if_match: input.if_match.clone(), if_none_match: input.if_none_match.clone() };
    let (bucket, key) = (input.bucket.clone(), input.key.clone());
    let about: About = about!(input);
    let make = move |mut object: Object| {
        source_conditions.check_copy(&object.etag, object.modified_ms)?;
        if let Some((algorithm, value, body)) = computed {
            if object.body != body {
                return Err(Error::Conflict);
            }
            object.checksums.set(algorithm, value);
        }
        let tagging = if retag { about.tagging.clone() } else { object.about.tagging.take() };
        // S3 does not take these from the source either.
        let (storage_class, encryption) = (about.storage_class.clone(), about.encryption.clone());
        object.about = if replace { about } else { object.about };
        object.about.tagging = tagging;
        object.about.storage_class = storage_class;
        object.about.encryption = encryption;
        object.modified_ms = now_ms();
        Ok(object)
    };
    let copied = service
        .index
        .write(None, move |txn| txn.copy((&from_bucket, &from_key), (&bucket, &key), &conditions, make))
        .await?;
    let mut result = CopyObjectResult {
        e_tag: Some(etag(&copied.etag)),
        last_modified: Some(timestamp(copied.modified_ms)),
        ..Default::default()
    };
    answer_checksums!(result, copied.checksums);
    if !copied.checksums.is_empty() {
        result.checksum_type = Some(copied.checksum_kind.name().to_owned().into());
    }
    let server_side_encryption = copied.about.encryption.map(Into::into);
    let copy_object_result = Some(result);
    Ok(S3Response::new(CopyObjectOutput { copy_object_result, server_side_encryption, ..Default::default() }))
}

/// Returns bucket and key of a copy's source.
pub(super) fn copy_source(source: &CopySource) -> Result<(String, String), Error> {
    match source {
        CopySource::Bucket { bucket, key, version_id } => {
            only_version(version_id.as_deref())?;
            Ok((bucket.to_string(), key.to_string()))
        }
        _ => Err(Error::NotImplemented("only buckets and keys can be copied from".to_owned())),
    }
}

/// Computes a checksum that the source lacks, and returns it with the body.
async fn compute(
    service: &Service,
    (bucket, key): (&str, &str),
    algorithm: Algorithm,
    conditions: &ReadConditions,
) -> Result<Option<(Algorithm, String, Body)>, Error> {
    let (bucket, key, contents) = (bucket.to_owned(), key.to_owned(), service.contents.clone());
    let (object, reading) = service
        .index
        .read(move |snapshot| {
            let found = snapshot.found(&bucket, &key)?;
            let reading = Reading::new(&contents, &found.segments, Stretch::whole(found.object.size));
            Ok((found.object, reading))
        })
        .await?;
    conditions.check_copy(&object.etag, object.modified_ms)?;
    if object.checksums.get(algorithm).is_some() {
        return Ok(None);
    }
    let mut bytes = reading.into_body();
    let mut hasher = Hasher::new([algorithm]);
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(Error::internal)?;
        hasher = spawn_blocking(move || {
            hasher.update(&piece);
            hasher
        })
        .await?;
    }
    let value = hasher.finish().checksums.get(algorithm);
    Ok(value.map(|value| (algorithm, value, object.body)))
}
