//! Owns the operations that put a whole object under a key: PutObject and CopyObject.

use http::HeaderMap;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, MetadataDirective, PutObjectInput,
    PutObjectOutput, StreamingBlob, TaggingDirective,
};
use s3s::stream::ByteStream as _;
use s3s::{S3Request, S3Response, TrailingHeaders};

use super::unkept::refuse_unkept;
use super::{Service, etag, timestamp};
use crate::embedded::checksums::{self, Algorithm, Checksums, Kind, answer_checksums, given_checksums};
use crate::embedded::conditions::{ReadConditions, WriteConditions};
use crate::embedded::digest::Expected;
use crate::embedded::errors::Error;
use crate::embedded::index::{About, Body, Object};
use crate::embedded::intake::{self, Received};
use crate::embedded::keys;
use crate::embedded::store::now_ms;

pub(super) async fn put_object(
    service: &Service,
    request: S3Request<PutObjectInput>,
) -> Result<S3Response<PutObjectOutput>, Error> {
    let S3Request { mut input, headers, trailing_headers, .. } = request;
    keys::check(&input.key)?;
    refuse_unkept!(input);
    if input.write_offset_bytes.is_some() {
        return Err(Error::NotImplemented("objects cannot be appended to".to_owned()));
    }
    let bucket = input.bucket.clone();
    service.index.read(move |snapshot| snapshot.need_bucket(&bucket)).await?;

    let intake = Intake {
        body: input.body.take(),
        content_md5: input.content_md5.take(),
        given: given_checksums!(input)?,
        also: input.checksum_algorithm.take().map(|name| Algorithm::from_name(name.as_str())).transpose()?,
        headers: &headers,
        trailers: trailing_headers,
    };
    let received = intake.receive(service).await?;
    let checksums = received.digests.checksums.clone();
    let object = Object {
        body: Body::of(received.content.as_ref().map(|content| content.id)),
        size: received.size,
        etag: received.digests.etag(),
        modified_ms: now_ms(),
        checksums: checksums.clone(),
        checksum_kind: Kind::FullObject,
        about: about!(input),
    };
    let mut output = PutObjectOutput { e_tag: Some(etag(&object.etag)), ..Default::default() };
    answer_checksums!(output, checksums);
    output.checksum_type = (!checksums.is_empty()).then(|| Kind::FullObject.name().to_owned().into());
    let conditions = WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match };
    let (bucket, key) = (input.bucket, input.key);
    let put =
        service.index.write(received.content, move |txn| txn.put((&bucket, &key), &conditions, &object));
    put.await?;
    Ok(S3Response::new(output))
}

pub(super) async fn copy_object(
    service: &Service,
    request: S3Request<CopyObjectInput>,
) -> Result<S3Response<CopyObjectOutput>, Error> {
    let input = request.input;
    keys::check(&input.key)?;
    refuse_unkept!(input);
    let (from_bucket, from_key) = copy_source(&input.copy_source)?;
    let is = |directive: Option<&str>, replace: &str| directive == Some(replace);
    let replace =
        is(input.metadata_directive.as_ref().map(MetadataDirective::as_str), MetadataDirective::REPLACE);
    let retag = is(input.tagging_directive.as_ref().map(TaggingDirective::as_str), TaggingDirective::REPLACE);
    if !replace
        && !retag
        && input.storage_class.is_none()
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
    let conditions =
        WriteConditions { if_match: input.if_match.clone(), if_none_match: input.if_none_match.clone() };
    let (bucket, key) = (input.bucket.clone(), input.key.clone());
    let about: About = about!(input);
    let make = move |mut object: Object| {
        source_conditions.check_copy(&object.etag, object.modified_ms)?;
        if let Some(algorithm) = wanted.filter(|algorithm| object.checksums.get(*algorithm).is_none()) {
            let name = algorithm.name();
            return Err(Error::NotImplemented(format!(
                "the source has no {name}, and a copy does not read its bytes"
            )));
        }
        let tagging = if retag { about.tagging.clone() } else { object.about.tagging.take() };
        let storage_class = about.storage_class.clone();
        object.about = if replace { about } else { object.about };
        object.about.tagging = tagging;
        object.about.storage_class = storage_class;
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
    Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() }))
}

/// Bucket and key of a copy's source.
pub(super) fn copy_source(source: &CopySource) -> Result<(String, String), Error> {
    match source {
        CopySource::Bucket { version_id: Some(_), .. } => {
            Err(Error::NotImplemented("there are no versions to copy from".to_owned()))
        }
        CopySource::Bucket { bucket, key, .. } => Ok((bucket.to_string(), key.to_string())),
        _ => Err(Error::NotImplemented("only buckets and keys can be copied from".to_owned())),
    }
}

/// A request's body, and all that the request says about its bytes.
pub(super) struct Intake<'r> {
    pub(super) body: Option<StreamingBlob>,
    pub(super) content_md5: Option<String>,
    pub(super) given: Checksums,
    /// A checksum to compute even though the request does not say its value.
    pub(super) also: Option<Algorithm>,
    pub(super) headers: &'r HeaderMap,
    pub(super) trailers: Option<TrailingHeaders>,
}

impl Intake<'_> {
    /// Stores the body's bytes, under no name yet, if they are what the request says.
    pub(super) async fn receive(self, service: &Service) -> Result<Received, Error> {
        let body = self.body.unwrap_or_else(|| StreamingBlob::from_bytes(bytes::Bytes::new()));
        if body.remaining_length().exact().is_none() {
            return Err(Error::MissingContentLength);
        }
        let md5 = self.content_md5.as_deref().map(checksums::content_md5).transpose()?;
        let mut expected = Expected { md5, checksums: self.given };
        let announced = checksums::announced_trailers(self.headers)?;
        let mut wanted: Vec<Algorithm> = expected.checksums.algorithms().collect();
        wanted.extend(announced.iter().copied().chain(self.also));
        // Whatever is stored has it, so that any object can be compared with its copy.
        wanted.push(Algorithm::Crc64Nvme);
        let received = intake::receive(&service.contents, body, wanted).await?;
        if let Some(trailers) = self.trailers.and_then(|trailers| trailers.take()) {
            expected.checksums.add_trailers(&trailers)?;
        }
        if announced.iter().any(|algorithm| expected.checksums.get(*algorithm).is_none()) {
            return Err(Error::InvalidRequest(
                "a checksum that x-amz-trailer announces did not come".to_owned(),
            ));
        }
        received.digests.verify(&expected)?;
        Ok(received)
    }
}

/// What an input says about an object beside its bytes.
macro_rules! about {
    ($input:expr) => {
        $crate::embedded::index::About {
            content_type: $input.content_type,
            content_encoding: $crate::embedded::service::puts::without_chunking($input.content_encoding),
            content_disposition: $input.content_disposition,
            content_language: $input.content_language,
            cache_control: $input.cache_control,
            expires: $input.expires,
            website_redirect: $input.website_redirect_location,
            storage_class: $input.storage_class.map(|class| class.as_str().to_owned()),
            tagging: $input.tagging,
            metadata: $input.metadata.unwrap_or_default().into_iter().collect(),
        }
    };
}
pub(super) use about;

/// A body's encoding without what is the upload's only.
pub(super) fn without_chunking(encoding: Option<String>) -> Option<String> {
    let encoding = encoding?;
    let kept: Vec<&str> = encoding.split(',').map(str::trim).filter(|one| *one != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(","))
}
