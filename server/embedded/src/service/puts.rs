//! Owns PutObject, and the intake of request bodies.

use http::HeaderMap;
use s3s::dto::{PutObjectInput, PutObjectOutput, StreamingBlob};
use s3s::stream::ByteStream as _;
use s3s::{S3Request, S3Response, TrailingHeaders};

use super::about::about;
use super::unsupported::refuse_unsupported;
use super::{Service, etag};
use crate::checksums::{self, Algorithm, Checksums, Kind, answer_checksums, given_checksums};
use crate::conditions::WriteConditions;
use crate::digest::Expected;
use crate::errors::Error;
use crate::index::now_ms;
use crate::index::{Body, Object};
use crate::intake::{self, Received};
use crate::keys;

pub(super) async fn put_object(
    service: &Service,
    request: S3Request<PutObjectInput>,
) -> Result<S3Response<PutObjectOutput>, Error> {
    let S3Request { mut input, headers, trailing_headers, .. } = request;
    keys::check(&input.key)?;
    refuse_unsupported!(input);
    if input.write_offset_bytes.is_some() {
        return Err(Error::NotImplemented("objects cannot be appended to".to_owned()));
    }
    let about = about!(input);
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
        about,
    };
    let server_side_encryption = object.about.encryption.clone().map(Into::into);
    let e_tag = Some(etag(&object.etag));
    let mut output = PutObjectOutput { e_tag, server_side_encryption, ..Default::default() };
    answer_checksums!(output, checksums);
    output.checksum_type = (!checksums.is_empty()).then(|| Kind::FullObject.name().to_owned().into());
    let conditions = WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match };
    let (bucket, key) = (input.bucket, input.key);
    let put =
        service.index.write(received.content, move |txn| txn.put((&bucket, &key), &conditions, &object));
    put.await?;
    Ok(S3Response::new(output))
}

/// A request's body, and all that the request says about its bytes.
pub(super) struct Intake<'r> {
    pub(super) body: Option<StreamingBlob>,
    pub(super) content_md5: Option<String>,
    pub(super) given: Checksums,
    /// A checksum to compute even if the request has no value for it.
    pub(super) also: Option<Algorithm>,
    pub(super) headers: &'r HeaderMap,
    pub(super) trailers: Option<TrailingHeaders>,
}

impl Intake<'_> {
    /// Stores the body's bytes, without a record yet, if they match the request.
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
