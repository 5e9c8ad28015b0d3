//! Owns the transactions on multipart uploads: their parts, and how these become an object. Never knows bytes: the
//! cost of CompleteMultipartUpload depends only on the number of parts.

use redb::ReadableTable as _;

use crate::checksums::{self, Algorithm, ChecksumSpec, Checksums, Kind};
use crate::conditions::WriteConditions;
use crate::digest::multipart_etag;
use crate::errors::Error;

use super::records::{About, Body, Completed, Object, Part, Record, Segment, Upload};
use super::tables::{Snapshot, Txn, read_upload};

/// S3's smallest part in bytes, except for the last.
const MIN_PART: u64 = 5 << 20;

/// Bucket, key and id of an upload: an id is valid only for its bucket and key.
pub(crate) type UploadKey<'k> = (&'k str, &'k str, &'k str);

/// A part in a CompleteMultipartUpload.
#[derive(Debug)]
pub(crate) struct NewPart {
    pub(crate) number: i32,
    pub(crate) etag: String,
    pub(crate) checksums: Checksums,
}

/// The parameters of a CompleteMultipartUpload.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(crate) parts: Vec<NewPart>,
    /// The expected checksums, of the whole object or of the parts' checksums.
    pub(crate) checksums: Checksums,
    pub(crate) kind: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) conditions: WriteConditions,
    pub(crate) now_ms: u64,
}

/// A page of an upload's parts.
#[derive(Debug)]
pub(crate) struct PartsPage {
    pub(crate) upload: Upload,
    pub(crate) parts: Vec<(u16, Part)>,
    pub(crate) more: bool,
}

impl Snapshot {
    /// Returns the upload, if it is under way.
    pub(crate) fn upload(&self, upload: UploadKey<'_>) -> Result<Upload, Error> {
        self.need_bucket(upload.0)?;
        read_upload(&self.uploads, upload)
    }

    /// Returns the parts with numbers above `after`, in order.
    pub(crate) fn parts(&self, key: UploadKey<'_>, after: u16, limit: usize) -> Result<PartsPage, Error> {
        let upload = self.upload(key)?;
        let mut parts = Vec::new();
        let from = (std::ops::Bound::Excluded((key.2, after)), std::ops::Bound::Included((key.2, u16::MAX)));
        let mut rest = self.parts.range::<(&str, u16)>(from)?;
        for entry in rest.by_ref().take(limit) {
            let (number, part) = entry?;
            parts.push((number.value().1, Part::from_bytes(part.value())?));
        }
        let more = rest.next().is_some();
        Ok(PartsPage { upload, parts, more })
    }
}

impl Txn<'_> {
    pub(crate) fn create_upload(
        &mut self,
        (bucket, key, id): UploadKey<'_>,
        upload: &Upload,
    ) -> Result<(), Error> {
        self.need_bucket(bucket)?;
        self.uploads.insert((bucket, key.as_bytes(), id), upload.to_bytes()?.as_slice())?;
        Ok(())
    }

    /// Stores `part` under its number, in place of an earlier one.
    pub(crate) fn put_part(&mut self, upload: UploadKey<'_>, number: u16, part: &Part) -> Result<(), Error> {
        read_upload(&self.uploads, upload)?;
        if let Some(content) = part.content {
            self.add_content(content, part.size)?;
        }
        let place = (upload.2, number);
        let replaced = self.parts.insert(place, part.to_bytes()?.as_slice())?;
        let replaced = replaced.map(|bytes| Part::from_bytes(bytes.value())).transpose()?;
        replaced.and_then(|part| part.content).map_or(Ok(()), |content| self.release(content))
    }

    pub(crate) fn abort(&mut self, upload: UploadKey<'_>) -> Result<(), Error> {
        self.need_bucket(upload.0)?;
        read_upload(&self.uploads, upload)?;
        self.remove_upload(upload)
    }

    /// Creates an object from the parts that `wanted` names, forgets the others, and ends the upload.
    ///
    /// Repeated with the same parts, it gives the same answer, whatever happened to the object since.
    pub(crate) fn complete(&mut self, key: UploadKey<'_>, wanted: &Completion) -> Result<Object, Error> {
        self.need_bucket(key.0)?;
        let upload = match read_upload(&self.uploads, key) {
            Err(Error::NoSuchUpload) => return self.completed(key, wanted),
            upload => upload?,
        };
        let parts = self.wanted_parts(key.2, upload.spec, &wanted.parts)?;
        let size = parts.iter().map(|part| part.size).sum();
        if wanted.size.is_some_and(|expected| expected != size) {
            return Err(Error::InvalidRequest(format!(
                "x-amz-mp-object-size does not match the parts' {size} bytes"
            )));
        }
        let (checksums, checksum_kind) = whole_checksums(upload.spec, wanted, &parts)?;
        self.check_write((key.0, key.1), &wanted.conditions)?;

        let etag = multipart_etag(parts.iter().map(|part| part.etag.as_str()));
        let segments: Vec<_> =
            parts.iter().map(|part| Segment { content: part.content, len: part.size }).collect();
        let used: Vec<_> = wanted.parts.iter().filter_map(|part| u16::try_from(part.number).ok()).collect();
        let body = self.add_list(&segments)?;
        let about: About = upload.about;
        let modified_ms = wanted.now_ms;
        let object = Object { body, size, etag, modified_ms, checksums, checksum_kind, about };
        self.set_object(key.0, key.1, &object)?;
        self.end_upload(key, &used)?;
        let completed = Completed { at_ms: modified_ms, object: object.clone() };
        self.completed.insert((key.0, key.1.as_bytes(), key.2), completed.to_bytes()?.as_slice())?;
        Ok(object)
    }

    fn completed(&self, key: UploadKey<'_>, wanted: &Completion) -> Result<Object, Error> {
        let found = self.completed.get((key.0, key.1.as_bytes(), key.2))?.ok_or(Error::NoSuchUpload)?;
        let object = Completed::from_bytes(found.value())?.object;
        let etag = multipart_etag(wanted.parts.iter().map(|part| part.etag.as_str()));
        if etag == object.etag { Ok(object) } else { Err(Error::NoSuchUpload) }
    }

    /// Ends an upload, and forgets all of its parts.
    pub(super) fn remove_upload(&mut self, upload: UploadKey<'_>) -> Result<(), Error> {
        self.end_upload(upload, &[])
    }

    /// Returns the key and id of a bucket's first upload.
    pub(super) fn first_upload(&self, bucket: &str) -> Result<Option<(String, String)>, Error> {
        let first: &[u8] = &[];
        let next = self.uploads.range((bucket, first, "")..)?.next().transpose()?;
        let next = next.filter(|(upload, _)| upload.value().0 == bucket);
        next.map(|(upload, _)| {
            let (_, key, id) = upload.value();
            Ok((std::str::from_utf8(key).map_err(Error::internal)?.to_owned(), id.to_owned()))
        })
        .transpose()
    }

    /// Removes an upload and the records of its parts; the contents of those in `used`, ascending, stay.
    fn end_upload(&mut self, (bucket, key, id): UploadKey<'_>, used: &[u16]) -> Result<(), Error> {
        let mut unused = Vec::new();
        self.uploads.remove((bucket, key.as_bytes(), id))?;
        for removed in self.parts.extract_from_if((id, 0)..=(id, u16::MAX), |_, _| true)? {
            let (number, part) = removed?;
            if used.binary_search(&number.value().1).is_err() {
                unused.extend(Part::from_bytes(part.value())?.content);
            }
        }
        unused.into_iter().try_for_each(|content| self.release(content))
    }

    /// Returns the parts that the request names, after checking them.
    fn wanted_parts(
        &self,
        upload: &str,
        spec: Option<ChecksumSpec>,
        wanted: &[NewPart],
    ) -> Result<Vec<Part>, Error> {
        if wanted.is_empty() {
            return Err(Error::InvalidRequest("Complete must name at least one part".to_owned()));
        }
        if !wanted.is_sorted_by(|a, b| a.number < b.number) {
            return Err(Error::InvalidPartOrder);
        }
        let composite = spec.filter(|spec| spec.kind == Kind::Composite).map(|spec| spec.algorithm);
        let mut parts: Vec<Part> = Vec::with_capacity(wanted.len());
        for (place, NewPart { number, etag, checksums }) in wanted.iter().enumerate() {
            let small = u16::try_from(*number).map_err(|_| Error::InvalidPart(*number))?;
            let found = self.parts.get((upload, small))?.ok_or(Error::InvalidPart(*number))?;
            let part = Part::from_bytes(found.value())?;
            let same = |(algorithm, value): (Algorithm, &str)| {
                part.checksums.get(algorithm).as_deref() == Some(value)
            };
            if part.etag != *etag || !checksums.iter().all(same) {
                return Err(Error::InvalidPart(*number));
            }
            if let Some(algorithm) = composite.filter(|algorithm| checksums.get(*algorithm).is_none()) {
                return Err(Error::InvalidRequest(format!(
                    "Complete must name the {} of each part",
                    algorithm.name()
                )));
            }
            if part.size < MIN_PART && place + 1 < wanted.len() {
                return Err(Error::EntityTooSmall { number: small, size: part.size });
            }
            parts.push(part);
        }
        Ok(parts)
    }
}

/// Returns the checksums of the new object, after comparing them with those in the request.
fn whole_checksums(
    spec: Option<ChecksumSpec>,
    wanted: &Completion,
    parts: &[Part],
) -> Result<(Checksums, Kind), Error> {
    let kind = spec.map_or(Kind::FullObject, |spec| spec.kind);
    if let Some(asked) = wanted.kind.as_deref().filter(|asked| *asked != kind.name()) {
        return Err(Error::InvalidRequest(format!(
            "the upload's checksum type is {}, not {asked}",
            kind.name()
        )));
    }
    let mut specs: Vec<ChecksumSpec> = spec.into_iter().collect();
    for algorithm in wanted.checksums.algorithms().chain([Algorithm::Crc64Nvme]) {
        if specs.iter().all(|known| known.algorithm != algorithm) {
            specs.push(ChecksumSpec { algorithm, kind: Kind::FullObject });
        }
    }
    let mut combined = Checksums::default();
    for spec in specs {
        let values = parts.iter().map(|part| (&part.checksums, part.size));
        let name = spec.algorithm.name();
        let value = checksums::of_parts(spec, values)?.ok_or_else(|| {
            Error::InvalidRequest(format!("the {name} of the object is not known: parts lack theirs"))
        })?;
        combined.set(spec.algorithm, value);
    }
    for (algorithm, value) in wanted.checksums.iter() {
        // A composite value may come with or without the number of parts.
        let known = combined.get(algorithm).unwrap_or_default();
        if known != value && (kind == Kind::FullObject || known.split('-').next() != Some(value)) {
            return Err(Error::BadDigest(algorithm.header()));
        }
    }
    Ok((combined, kind))
}

impl Body {
    /// Returns the number of parts of a multipart object.
    pub(crate) fn parts_count(&self) -> Option<u32> {
        match self {
            Self::Parts { count, .. } => Some(*count),
            Self::Empty | Self::One(_) => None,
        }
    }
}
