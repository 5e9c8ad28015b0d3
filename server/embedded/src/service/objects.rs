//! Owns the operations that read or delete objects.

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Range,
};
use s3s::{S3Error, S3Request, S3Response};

use super::versions::only_version;
use super::{Service, etag, in_disguise, size, tagging, timestamp};
use crate::checksums::answer_checksums;
use crate::conditions::{ReadConditions, WriteConditions};
use crate::errors::Error;
use crate::escapes::disguise;
use crate::index::{Found, Object};
use crate::keys;
use crate::range::Stretch;
use crate::reading::Reading;

/// The most keys in one DeleteObjects.
const MOST_DELETED: usize = 1000;

pub(super) async fn get_object(
    service: &Service,
    request: S3Request<GetObjectInput>,
) -> Result<S3Response<GetObjectOutput>, Error> {
    let input = request.input;
    only_version(input.version_id.as_deref())?;
    let conditions = ReadConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    let (range, part_number) = (input.range, input.part_number);
    let contents = service.contents.clone();
    let (object, stretch, reading) = service
        .index
        .read(move |snapshot| {
            let found = snapshot.found(&input.bucket, &input.key)?;
            conditions.check(&found.object.etag, found.object.modified_ms)?;
            let stretch = stretch(&found, range, part_number)?;
            let reading = Reading::new(&contents, &found.segments, stretch);
            Ok((found.object, stretch, reading))
        })
        .await?;
    let mut output = described!(GetObjectOutput, object, stretch, input.checksum_mode);
    // The protocol layer puts the response-* overrides of the request in the place of these.
    output.body = Some(reading.into_body());
    let mut answer = S3Response::new(output);
    answer.status = stretch.partial.then_some(http::StatusCode::PARTIAL_CONTENT);
    Ok(answer)
}

pub(super) async fn head_object(
    service: &Service,
    request: S3Request<HeadObjectInput>,
) -> Result<S3Response<HeadObjectOutput>, Error> {
    let input = request.input;
    only_version(input.version_id.as_deref())?;
    let conditions = ReadConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    let (range, part_number) = (input.range, input.part_number);
    let (object, stretch) = service
        .index
        .read(move |snapshot| {
            let found = snapshot.found(&input.bucket, &input.key)?;
            conditions.check(&found.object.etag, found.object.modified_ms)?;
            let stretch = stretch(&found, range, part_number)?;
            Ok((found.object, stretch))
        })
        .await?;
    let output = described!(HeadObjectOutput, object, stretch, input.checksum_mode);
    let mut answer = S3Response::new(output);
    answer.status = stretch.partial.then_some(http::StatusCode::PARTIAL_CONTENT);
    Ok(answer)
}

pub(super) async fn delete_object(
    service: &Service,
    request: S3Request<DeleteObjectInput>,
) -> Result<S3Response<DeleteObjectOutput>, Error> {
    let input = request.input;
    only_version(input.version_id.as_deref())?;
    let conditions = WriteConditions { if_match: input.if_match, if_none_match: None };
    service.index.write(None, move |txn| txn.delete(&input.bucket, &input.key, &conditions)).await?;
    Ok(S3Response::new(DeleteObjectOutput::default()))
}

pub(super) async fn delete_objects(
    service: &Service,
    request: S3Request<DeleteObjectsInput>,
) -> Result<S3Response<DeleteObjectsOutput>, Error> {
    let DeleteObjectsInput { bucket, delete, .. } = request.input;
    if delete.objects.is_empty() || delete.objects.len() > MOST_DELETED {
        return Err(Error::MalformedXml(format!("1 to {MOST_DELETED} keys can be deleted at once")));
    }
    let quiet = delete.quiet.unwrap_or(false);
    let results = service
        .index
        .write(None, move |txn| {
            txn.need_bucket(&bucket)?;
            let mut results = Vec::with_capacity(delete.objects.len());
            for object in delete.objects {
                let if_match = object.e_tag.map(s3s::dto::ETagCondition::ETag);
                let conditions = WriteConditions { if_match, if_none_match: None };
                let result = only_version(object.version_id.as_deref())
                    .and_then(|()| keys::check(&object.key))
                    .and_then(|()| txn.delete(&bucket, &object.key, &conditions));
                match result {
                    Err(error) if !error.is_refusal() => return Err(error),
                    result => results.push((object.key, object.version_id, result)),
                }
            }
            Ok(results)
        })
        .await?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for (key, version_id, result) in results {
        let key = Some(disguise(&key).into_owned());
        match result {
            Ok(()) if quiet => {}
            Ok(()) => deleted.push(DeletedObject { key, version_id, ..Default::default() }),
            Err(error) => {
                let error = S3Error::from(error);
                errors.push(s3s::dto::Error {
                    code: Some(error.code().as_str().to_owned()),
                    message: error.message().map(str::to_owned),
                    key,
                    version_id,
                });
            }
        }
    }
    let output = DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), request_charged: None };
    Ok(in_disguise(output))
}

/// Returns the bytes that a request reads.
fn stretch(found: &Found, range: Option<Range>, part_number: Option<i32>) -> Result<Stretch, Error> {
    let size = found.object.size;
    match (range, part_number) {
        (None, None) => Ok(Stretch::whole(size)),
        (Some(range), None) => Stretch::of_range(range, size),
        (Some(_), Some(_)) => {
            Err(Error::InvalidRequest("a range and a part number exclude each other".to_owned()))
        }
        (None, Some(number)) => {
            let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            let place = place.ok_or_else(|| Error::InvalidArgument("part numbers start at 1".to_owned()))?;
            if found.object.body.parts_count().is_none() && place == 0 {
                return Ok(Stretch { partial: size > 0, ..Stretch::whole(size) });
            }
            let part = found.segments.get(place).ok_or(Error::InvalidRange { size })?;
            let start = found.segments.iter().take(place).map(|segment| segment.len).sum();
            Ok(Stretch { start, len: part.len, of: size, partial: true })
        }
    }
}

/// Fills the fields that GetObject and HeadObject have in common.
macro_rules! described {
    ($output:ident, $object:expr, $stretch:expr, $checksum_mode:expr) => {{
        let (object, stretch): (&Object, Stretch) = (&$object, $stretch);
        let about = object.about.clone();
        let mut output = $output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: about.cache_control,
            content_disposition: about.content_disposition,
            content_encoding: about.content_encoding,
            content_language: about.content_language,
            content_length: Some(size(stretch.len)),
            content_range: stretch.content_range(),
            content_type: Some(about.content_type.unwrap_or_else(|| "binary/octet-stream".to_owned())),
            e_tag: Some(etag(&object.etag)),
            expires: about.expires,
            last_modified: Some(timestamp(object.modified_ms)),
            metadata: Some(about.metadata.into_iter().collect()),
            parts_count: object.body.parts_count().and_then(|count| i32::try_from(count).ok()),
            server_side_encryption: about.encryption.map(Into::into),
            storage_class: about.storage_class.map(Into::into),
            tag_count: Some(tagging::of(object).count())
                .filter(|n| *n > 0)
                .and_then(|n| i32::try_from(n).ok()),
            website_redirect_location: about.website_redirect,
            ..Default::default()
        };
        // A checksum of the whole says nothing about a stretch.
        let asked = $checksum_mode.is_some_and(|mode| mode.as_str() == s3s::dto::ChecksumMode::ENABLED);
        if asked && !stretch.partial && !object.checksums.is_empty() {
            answer_checksums!(output, object.checksums);
            output.checksum_type = Some(object.checksum_kind.name().to_owned().into());
        }
        output
    }};
}
use described;
