//! Owns the operations on multipart uploads.

use http::header;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyPartResult, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    Initiator, ListPartsInput, ListPartsOutput, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3Request, S3Response};

use super::about::about;
use super::copies::copy_source;
use super::puts::Intake;
use super::unsupported::refuse_unsupported;
use super::{Service, etag, in_disguise, owner, size, timestamp};
use crate::checksums::{Algorithm, ChecksumSpec, Checksums, Kind, answer_checksums, given_checksums};
use crate::conditions::{ReadConditions, WriteConditions};
use crate::contents::ContentId;
use crate::errors::Error;
use crate::escapes::disguise;
use crate::index::now_ms;
use crate::index::{Completion, NewPart, Part, Upload};
use crate::intake::Received;
use crate::keys;
use crate::range::{Stretch, copy_source_range};
use crate::reading::Reading;

/// S3's highest part number, and the longest page of parts.
const MOST_PARTS: u16 = 10_000;
const MOST_LISTED: usize = 1000;

pub(super) async fn create_multipart_upload(
    service: &Service,
    request: S3Request<CreateMultipartUploadInput>,
) -> Result<S3Response<CreateMultipartUploadOutput>, Error> {
    let input = request.input;
    keys::check(&input.key)?;
    refuse_unsupported!(input);
    let kind = input.checksum_type.as_ref().map(|kind| kind.as_str().to_owned());
    let spec = match &input.checksum_algorithm {
        Some(name) => {
            let algorithm = Algorithm::from_name(name.as_str())?;
            Some(ChecksumSpec { algorithm, kind: Kind::choose(algorithm, kind.as_deref())? })
        }
        None if kind.is_some() => {
            return Err(Error::InvalidRequest("a checksum type needs a checksum algorithm".to_owned()));
        }
        None => None,
    };
    let now = now_ms();
    // Ids sort by time, so that listings do.
    let id = format!("{now:012x}{:032x}", ContentId::random()?.0);
    let output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(disguise(&input.key).into_owned()),
        upload_id: Some(id.clone()),
        checksum_algorithm: spec.map(|spec| spec.algorithm.name().to_owned().into()),
        checksum_type: spec.map(|spec| spec.kind.name().to_owned().into()),
        server_side_encryption: input.server_side_encryption.clone(),
        ..Default::default()
    };
    let (bucket, key) = (input.bucket.clone(), input.key.clone());
    let upload = Upload { initiated_ms: now, spec, about: about!(input) };
    service.index.write(None, move |txn| txn.create_upload((&bucket, &key, &id), &upload)).await?;
    Ok(in_disguise(output))
}

pub(super) async fn upload_part(
    service: &Service,
    request: S3Request<UploadPartInput>,
) -> Result<S3Response<UploadPartOutput>, Error> {
    let S3Request { mut input, headers, trailing_headers, .. } = request;
    let number = part_number(input.part_number)?;
    let place =
        Place { bucket: input.bucket.clone(), key: input.key.clone(), id: input.upload_id.clone(), number };
    let Upload { spec, about, .. } = place.upload(service).await?;
    let given = given_checksums!(input)?;
    let named =
        input.checksum_algorithm.take().map(|name| Algorithm::from_name(name.as_str())).transpose()?;
    if let Some(spec) = spec
        && let Some(other) = given.algorithms().chain(named).find(|other| *other != spec.algorithm)
    {
        let (expected, other) = (spec.algorithm.name(), other.name());
        return Err(Error::InvalidRequest(format!(
            "the upload's checksum is {expected}, the part's {other}"
        )));
    }
    let intake = Intake {
        body: input.body.take(),
        content_md5: input.content_md5.take(),
        given,
        also: spec.map(|spec| spec.algorithm).or(named),
        headers: &headers,
        trailers: trailing_headers,
    };
    let received = intake.receive(service).await?;
    let part = place.put(service, received).await?;
    let server_side_encryption = about.encryption.map(Into::into);
    let e_tag = Some(etag(&part.etag));
    let mut output = UploadPartOutput { e_tag, server_side_encryption, ..Default::default() };
    let shown = ChecksumSpec::shown(spec, &part.checksums);
    answer_checksums!(output, shown);
    Ok(S3Response::new(output))
}

pub(super) async fn upload_part_copy(
    service: &Service,
    request: S3Request<UploadPartCopyInput>,
) -> Result<S3Response<UploadPartCopyOutput>, Error> {
    let input = request.input;
    let number = part_number(input.part_number)?;
    let place = Place { bucket: input.bucket, key: input.key, id: input.upload_id, number };
    let Upload { spec, about, .. } = place.upload(service).await?;
    let (bucket, key) = copy_source(&input.copy_source)?;
    let conditions = ReadConditions {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let contents = service.contents.clone();
    let reading = service
        .index
        .read(move |snapshot| {
            let found = snapshot.found(&bucket, &key)?;
            conditions.check_copy(&found.object.etag, found.object.modified_ms)?;
            let size = found.object.size;
            let range = input.copy_source_range.as_deref();
            let stretch = range.map_or(Ok(Stretch::whole(size)), |range| copy_source_range(range, size))?;
            Ok(Reading::new(&contents, &found.segments, stretch))
        })
        .await?;
    let intake = Intake {
        body: Some(reading.into_body()),
        content_md5: None,
        given: Checksums::default(),
        also: spec.map(|spec| spec.algorithm),
        headers: &header::HeaderMap::new(),
        trailers: None,
    };
    let received = intake.receive(service).await?;
    let part = place.put(service, received).await?;
    let mut result = CopyPartResult {
        e_tag: Some(etag(&part.etag)),
        last_modified: Some(timestamp(part.modified_ms)),
        ..Default::default()
    };
    let shown = ChecksumSpec::shown(spec, &part.checksums);
    answer_checksums!(result, shown);
    let server_side_encryption = about.encryption.map(Into::into);
    let copy_part_result = Some(result);
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result,
        server_side_encryption,
        ..Default::default()
    }))
}

pub(super) async fn list_parts(
    service: &Service,
    request: S3Request<ListPartsInput>,
) -> Result<S3Response<ListPartsOutput>, Error> {
    let input = request.input;
    let after = input.part_number_marker.unwrap_or(0);
    let from = u16::try_from(after)
        .map_err(|_| Error::InvalidArgument("part-number-marker is no part".to_owned()))?;
    let limit = usize::try_from(input.max_parts.unwrap_or(1000))
        .map_err(|_| Error::InvalidArgument("max-parts must not be negative".to_owned()))?
        .min(MOST_LISTED);
    let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id.clone());
    let page = service.index.read(move |snapshot| snapshot.parts((&bucket, &key, &id), from, limit)).await?;
    let next = page.parts.last().filter(|_| page.more).map(|(number, _)| i32::from(*number));
    let parts = page.parts.iter().map(|(number, part)| {
        let mut shown = s3s::dto::Part {
            e_tag: Some(etag(&part.etag)),
            last_modified: Some(timestamp(part.modified_ms)),
            part_number: Some(i32::from(*number)),
            size: Some(size(part.size)),
            ..Default::default()
        };
        let checksums = ChecksumSpec::shown(page.upload.spec, &part.checksums);
        answer_checksums!(shown, checksums);
        shown
    });
    let Upload { spec, about, .. } = &page.upload;
    Ok(in_disguise(ListPartsOutput {
        bucket: Some(input.bucket),
        checksum_algorithm: spec.map(|spec| spec.algorithm.name().to_owned().into()),
        checksum_type: spec.map(|spec| spec.kind.name().to_owned().into()),
        initiator: Some(Initiator { display_name: owner().display_name, id: owner().id }),
        is_truncated: Some(page.more && limit > 0),
        key: Some(disguise(&input.key).into_owned()),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: next,
        owner: Some(owner()),
        part_number_marker: Some(after),
        parts: Some(parts.collect()),
        storage_class: Some(about.storage_class.clone().unwrap_or("STANDARD".to_owned()).into()),
        upload_id: Some(input.upload_id),
        ..Default::default()
    }))
}

pub(super) async fn complete_multipart_upload(
    service: &Service,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Result<S3Response<CompleteMultipartUploadOutput>, Error> {
    let S3Request { input, headers, .. } = request;
    let listed =
        input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_deref()).unwrap_or_default();
    let parts = listed.iter().map(|part| {
        let number = part.part_number.unwrap_or(0);
        // S3 takes ETags with and without quotes; a missing one matches none.
        let etag =
            part.e_tag.as_ref().map(|etag| etag.value().trim_matches('"').to_owned()).unwrap_or_default();
        Ok(NewPart { number, etag, checksums: given_checksums!(part)? })
    });
    let completion = Completion {
        parts: parts.collect::<Result<_, Error>>()?,
        checksums: given_checksums!(input)?,
        kind: input.checksum_type.as_ref().map(|kind| kind.as_str().to_owned()),
        size: input
            .mpu_object_size
            .map(u64::try_from)
            .transpose()
            .map_err(|_| Error::InvalidRequest("x-amz-mp-object-size must not be negative".to_owned()))?,
        conditions: WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match },
        now_ms: now_ms(),
    };
    let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id);
    let object =
        service.index.write(None, move |txn| txn.complete((&bucket, &key, &id), &completion)).await?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("http://{host}/{}/{}", input.bucket, keys::url_encode(&input.key))),
        bucket: Some(input.bucket),
        key: Some(disguise(&input.key).into_owned()),
        e_tag: Some(etag(&object.etag)),
        server_side_encryption: object.about.encryption.map(Into::into),
        ..Default::default()
    };
    answer_checksums!(output, object.checksums);
    if !object.checksums.is_empty() {
        output.checksum_type = Some(object.checksum_kind.name().to_owned().into());
    }
    Ok(in_disguise(output))
}

pub(super) async fn abort_multipart_upload(
    service: &Service,
    request: S3Request<AbortMultipartUploadInput>,
) -> Result<S3Response<AbortMultipartUploadOutput>, Error> {
    let AbortMultipartUploadInput { bucket, key, upload_id, .. } = request.input;
    service.index.write(None, move |txn| txn.abort((&bucket, &key, &upload_id))).await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

/// The upload and the number of a part.
struct Place {
    bucket: String,
    key: String,
    id: String,
    number: u16,
}

impl Place {
    /// Returns the upload; fails early if it is not under way.
    async fn upload(&self, service: &Service) -> Result<Upload, Error> {
        let (bucket, key, id) = (self.bucket.clone(), self.key.clone(), self.id.clone());
        service.index.read(move |snapshot| snapshot.upload((&bucket, &key, &id))).await
    }

    /// Stores what was received as the part, if the upload is still under way.
    async fn put(self, service: &Service, received: Received) -> Result<Part, Error> {
        let part = Part {
            content: received.content.as_ref().map(|content| content.id),
            size: received.size,
            etag: received.digests.etag(),
            modified_ms: now_ms(),
            checksums: received.digests.checksums,
        };
        let Self { bucket, key, id, number } = self;
        let change = move |txn: &mut crate::index::Txn<'_>| {
            txn.put_part((&bucket, &key, &id), number, &part)?;
            Ok(part)
        };
        service.index.write(received.content, change).await
    }
}

fn part_number(number: i32) -> Result<u16, Error> {
    let number = u16::try_from(number).ok().filter(|number| (1..=MOST_PARTS).contains(number));
    number.ok_or_else(|| Error::InvalidArgument(format!("part numbers are 1 to {MOST_PARTS}")))
}
