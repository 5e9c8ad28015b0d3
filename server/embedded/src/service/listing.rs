//! Owns the listings of objects and of uploads: their requests and answers.

use s3s::dto::{
    CommonPrefix, EncodingType, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsInput,
    ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, MultipartUpload, ObjectStorageClass,
};
use s3s::{S3Request, S3Response};

use super::{Service, etag, in_disguise, owner, size, timestamp};
use crate::digest::hex;
use crate::errors::Error;
use crate::escapes::disguise;
use crate::index::{Entry, Object, ObjectQuery, UploadQuery};
use crate::keys;

/// The longest page of S3.
const MOST_ENTRIES: usize = 1000;

pub(super) async fn list_objects_v2(
    service: &Service,
    request: S3Request<ListObjectsV2Input>,
) -> Result<S3Response<ListObjectsV2Output>, Error> {
    let input = request.input;
    let write = Writing::new(input.encoding_type.as_ref())?;
    let limit = limit(input.max_keys, "max-keys")?;
    let after = match &input.continuation_token {
        Some(token) => token_to_name(token)?,
        None => input.start_after.clone().unwrap_or_default(),
    };
    let query = ObjectQuery {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after,
        limit,
    };
    let (entries, more) = page(service, query).await?;
    let next = entries.last().filter(|_| more).map(|entry| hex(entry.name().as_bytes()));
    let key_count = i32::try_from(entries.len()).ok();
    let (objects, common_prefixes) = split(entries, write);
    let with_owner = input.fetch_owner.unwrap_or(false);
    let contents = objects.into_iter().map(|(key, object)| shown(&key, &object, write, with_owner)).collect();
    Ok(write.answer(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(write.text(input.prefix.as_deref().unwrap_or_default())),
        max_keys: i32::try_from(limit).ok(),
        key_count,
        continuation_token: input.continuation_token,
        is_truncated: Some(more),
        next_continuation_token: next,
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        delimiter: input.delimiter.as_deref().map(|text| write.text(text)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.as_deref().map(|text| write.text(text)),
        request_charged: None,
    }))
}

pub(super) async fn list_objects(
    service: &Service,
    request: S3Request<ListObjectsInput>,
) -> Result<S3Response<ListObjectsOutput>, Error> {
    let input = request.input;
    let write = Writing::new(input.encoding_type.as_ref())?;
    let limit = limit(input.max_keys, "max-keys")?;
    let query = ObjectQuery {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.marker.clone().unwrap_or_default(),
        limit,
    };
    let (entries, more) = page(service, query).await?;
    let next_marker = entries.last().filter(|_| more).map(|entry| write.text(entry.name()));
    let (objects, common_prefixes) = split(entries, write);
    let contents = objects.into_iter().map(|(key, object)| shown(&key, &object, write, true)).collect();
    Ok(write.answer(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(write.text(input.prefix.as_deref().unwrap_or_default())),
        marker: Some(write.text(input.marker.as_deref().unwrap_or_default())),
        max_keys: i32::try_from(limit).ok(),
        is_truncated: Some(more),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        // S3 gives it with a delimiter only, and clients take the last key otherwise.
        next_marker: next_marker.filter(|_| input.delimiter.is_some()),
        delimiter: input.delimiter.as_deref().map(|text| write.text(text)),
        encoding_type: input.encoding_type,
        request_charged: None,
    }))
}

pub(super) async fn list_multipart_uploads(
    service: &Service,
    request: S3Request<ListMultipartUploadsInput>,
) -> Result<S3Response<ListMultipartUploadsOutput>, Error> {
    let input = request.input;
    let write = Writing::new(input.encoding_type.as_ref())?;
    let limit = limit(input.max_uploads, "max-uploads")?;
    let key_after = input.key_marker.clone().unwrap_or_default();
    let query = UploadQuery {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        // S3 ignores the id without the key.
        id_after: input.upload_id_marker.clone().filter(|id| !id.is_empty() && !key_after.is_empty()),
        key_after,
        limit: limit.max(1),
    };
    let (mut entries, mut more) = service.index.read(move |snapshot| snapshot.list_uploads(&query)).await?;
    if limit == 0 {
        (entries, more) = (Vec::new(), false);
    }
    let last = entries.last().filter(|_| more);
    let next_key_marker = last.map(|entry| write.text(entry.name()));
    let next_upload_id_marker = last.and_then(|entry| match entry {
        Entry::Item(_, (id, _)) => Some(id.clone()),
        Entry::CommonPrefix(_) => None,
    });
    let (uploads, common_prefixes) = split(entries, write);
    let uploads = uploads.into_iter().map(|(key, (id, upload))| MultipartUpload {
        checksum_algorithm: upload.spec.map(|spec| spec.algorithm.name().to_owned().into()),
        checksum_type: upload.spec.map(|spec| spec.kind.name().to_owned().into()),
        initiated: Some(timestamp(upload.initiated_ms)),
        key: Some(write.text(&key)),
        owner: Some(owner()),
        storage_class: Some("STANDARD".to_owned().into()),
        upload_id: Some(id),
        ..Default::default()
    });
    Ok(write.answer(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: Some(common_prefixes),
        delimiter: input.delimiter.as_deref().map(|text| write.text(text)),
        is_truncated: Some(more),
        key_marker: Some(write.text(input.key_marker.as_deref().unwrap_or_default())),
        max_uploads: i32::try_from(limit).ok(),
        next_key_marker,
        next_upload_id_marker,
        prefix: Some(write.text(input.prefix.as_deref().unwrap_or_default())),
        upload_id_marker: input.upload_id_marker,
        uploads: Some(uploads.collect()),
        encoding_type: input.encoding_type,
        request_charged: None,
    }))
}

pub(super) async fn page(service: &Service, query: ObjectQuery) -> Result<(Vec<Entry<Object>>, bool), Error> {
    // A page of none is never followed by another one.
    let none = query.limit == 0;
    let (entries, more) = service.index.read(move |snapshot| snapshot.list_objects(&query)).await?;
    Ok((entries, more && !none))
}

/// Whether names are written unchanged, or URL-encoded since XML cannot contain all characters.
#[derive(Clone, Copy)]
pub(super) struct Writing {
    url: bool,
}

impl Writing {
    pub(super) fn new(encoding: Option<&EncodingType>) -> Result<Self, Error> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self { url: false }),
            Some(EncodingType::URL) => Ok(Self { url: true }),
            Some(_) => Err(Error::InvalidArgument("the only encoding-type is url".to_owned())),
        }
    }

    pub(super) fn text(self, name: &str) -> String {
        if self.url { keys::url_encode(name) } else { disguise(name).into_owned() }
    }

    pub(super) fn answer<T>(self, output: T) -> S3Response<T> {
        if self.url { S3Response::new(output) } else { in_disguise(output) }
    }
}

pub(super) fn limit(asked: Option<i32>, name: &str) -> Result<usize, Error> {
    match asked {
        None => Ok(MOST_ENTRIES),
        Some(asked) => usize::try_from(asked)
            .map(|asked| asked.min(MOST_ENTRIES))
            .map_err(|_| Error::InvalidArgument(format!("{name} must not be negative"))),
    }
}

pub(super) fn split<T>(entries: Vec<Entry<T>>, write: Writing) -> (Vec<(String, T)>, Vec<CommonPrefix>) {
    let (mut items, mut prefixes) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Item(name, item) => items.push((name, item)),
            Entry::CommonPrefix(name) => prefixes.push(CommonPrefix { prefix: Some(write.text(&name)) }),
        }
    }
    (items, prefixes)
}

fn shown(key: &str, object: &Object, write: Writing, with_owner: bool) -> s3s::dto::Object {
    let algorithms: Vec<_> =
        object.checksums.algorithms().map(|known| known.name().to_owned().into()).collect();
    s3s::dto::Object {
        checksum_type: (!algorithms.is_empty()).then(|| object.checksum_kind.name().to_owned().into()),
        checksum_algorithm: (!algorithms.is_empty()).then_some(algorithms),
        e_tag: Some(etag(&object.etag)),
        key: Some(write.text(key)),
        last_modified: Some(timestamp(object.modified_ms)),
        owner: with_owner.then(owner),
        restore_status: None,
        size: Some(size(object.size)),
        storage_class: Some(ObjectStorageClass::from(
            object.about.storage_class.clone().unwrap_or("STANDARD".to_owned()),
        )),
    }
}

/// Decodes a continuation token, which is the last name of the page before, in hex.
fn token_to_name(token: &str) -> Result<String, Error> {
    let bytes: Option<Vec<u8>> = (0..token.len())
        .step_by(2)
        .map(|at| token.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Error::InvalidArgument("the continuation token is not one of this store".to_owned()))
}
