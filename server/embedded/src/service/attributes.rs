//! Owns GetObjectAttributes: what is known of an object, and of its parts.

use s3s::dto::{
    Checksum, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts, ObjectPart,
};
use s3s::{S3Request, S3Response};

use super::versions::only_version;
use super::{Service, etag, size, timestamp};
use crate::checksums::answer_checksums;
use crate::errors::Error;
use crate::index::Found;

const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
const MOST_PARTS: usize = 1000;

pub(super) async fn get_object_attributes(
    service: &Service,
    request: S3Request<GetObjectAttributesInput>,
) -> Result<S3Response<GetObjectAttributesOutput>, Error> {
    let input = request.input;
    only_version(input.version_id.as_deref())?;
    // Some clients send one header with all names, others one for each.
    let asked: Vec<String> = input
        .object_attributes
        .iter()
        .flat_map(|names| names.as_str().split(','))
        .map(|name| name.trim().to_owned())
        .collect();
    if asked.is_empty() || asked.iter().any(|name| !KNOWN.contains(&name.as_str())) {
        return Err(Error::InvalidArgument("Invalid attribute name specified.".to_owned()));
    }
    let after = usize::try_from(input.part_number_marker.unwrap_or(0)).unwrap_or(0);
    let limit = usize::try_from(input.max_parts.unwrap_or(1000)).unwrap_or(0).min(MOST_PARTS);
    let found = service.index.read(move |snapshot| snapshot.found(&input.bucket, &input.key)).await?;
    let wants = |name: &str| asked.iter().any(|asked| asked == name);
    let object = &found.object;
    let mut checksum = Checksum::default();
    answer_checksums!(checksum, object.checksums);
    checksum.checksum_type = Some(object.checksum_kind.name().to_owned().into());
    Ok(S3Response::new(GetObjectAttributesOutput {
        checksum: wants("Checksum").then_some(checksum),
        e_tag: wants("ETag").then(|| etag(&object.etag)),
        last_modified: Some(timestamp(object.modified_ms)),
        object_parts: wants("ObjectParts").then(|| parts(&found, after, limit)).flatten(),
        object_size: wants("ObjectSize").then(|| size(object.size)),
        storage_class: wants("StorageClass")
            .then(|| object.about.storage_class.clone().unwrap_or("STANDARD".to_owned()).into()),
        ..Default::default()
    }))
}

fn parts(found: &Found, after: usize, limit: usize) -> Option<GetObjectAttributesParts> {
    let count = found.object.body.parts_count()?;
    let page = found.segments.iter().zip(1_usize..).skip(after).take(limit);
    let parts: Vec<ObjectPart> = page
        .map(|(segment, number)| ObjectPart {
            part_number: i32::try_from(number).ok(),
            size: Some(size(segment.len)),
            ..Default::default()
        })
        .collect();
    let more = after + parts.len() < found.segments.len() && limit > 0;
    Some(GetObjectAttributesParts {
        is_truncated: Some(more),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: parts.last().and_then(|part| part.part_number).filter(|_| more),
        part_number_marker: i32::try_from(after).ok(),
        parts: Some(parts),
        total_parts_count: i32::try_from(count).ok(),
    })
}
