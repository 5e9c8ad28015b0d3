//! A server and a store in memory: objects with real bytes, read by signed URLs.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use partway_shared::checksum::{Crc64Nvme, Md5};
use partway_shared::download::Head;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::part::{ByteRange, ETag};
use partway_shared::time::Time;
use partway_shared::transfer::Failure;
use partway_shared::wire::{
    ObjectInfo, ObjectSigning, ObjectToSign, SignObjects, SignedObject, SignedObjects,
};

use crate::simulated::{problem, refusal};

/// What the store knows of an object besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Knows {
    Crc64Nvme,
    /// A plain MD5 as ETag.
    Md5,
    /// An ETag of parts of this size.
    PartMd5s(u64),
    Nothing,
}

/// Both ends of the far side.
pub(crate) struct Store {
    pub(crate) url_life: Duration,
    pub(crate) objects: BTreeMap<String, ObjectInfo>,
    /// The bytes of every object that there ever was, by its ETag.
    pub(crate) bytes: BTreeMap<ETag, Vec<u8>>,
    /// Whether it answers to a range with everything.
    pub(crate) ignores_ranges: bool,
    pub(crate) hides_etag: bool,
    pub(crate) is_archived: bool,
    /// Requests whose URLs are refused although they are fresh, and those that expire by then.
    pub(crate) refuses_urls: u32,
    pub(crate) revoked: u64,
    /// Calls for more objects than this are too large.
    pub(crate) most: usize,
    /// Calls seen, and objects that were looked at.
    pub(crate) calls: u32,
    pub(crate) looks: u32,
    /// What is said once of an object.
    pub(crate) postponed: BTreeMap<String, Problem>,
    /// Host names that objects are on.
    pub(crate) hosts: usize,
}

/// An answer that has begun.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Store {
    pub(crate) fn new(url_life: Duration) -> Self {
        Self {
            url_life,
            objects: BTreeMap::new(),
            bytes: BTreeMap::new(),
            ignores_ranges: false,
            hides_etag: false,
            is_archived: false,
            refuses_urls: 0,
            revoked: 0,
            most: usize::MAX,
            calls: 0,
            looks: 0,
            postponed: BTreeMap::new(),
            hosts: 1,
        }
    }

    /// Stores an object, in the place of one with the same key.
    pub(crate) fn put(&mut self, key: &str, size: usize, knows: Knows, seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let bytes: Vec<_> = std::iter::repeat_with(|| rng.u8(..)).take(size).collect();
        let hex = |bytes: &[u8]| {
            let Md5(md5) = Md5::of(bytes);
            md5.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let etag = match knows {
            Knows::PartMd5s(part_size) => {
                let parts = bytes.chunks(usize::try_from(part_size).unwrap());
                let md5s: Vec<_> = parts.map(|part| Md5::of(part).0).collect();
                format!("{}-{}", hex(&md5s.concat()), md5s.len())
            }
            Knows::Md5 => hex(&bytes),
            Knows::Crc64Nvme | Knows::Nothing => format!("etag-{key}-{seed}"),
        };
        let object = ObjectInfo {
            key: key.to_owned(),
            size: size as u64,
            etag: ETag::new(&etag),
            has_md5_etag: matches!(knows, Knows::Md5 | Knows::PartMd5s(_)),
            content_type: None,
            last_modified: None,
            version_id: None,
            checksum: (knows == Knows::Crc64Nvme).then(|| Crc64Nvme::of(&bytes).into()),
            part_size: match knows {
                Knows::PartMd5s(size) => Some(size),
                _ => None,
            },
        };
        self.bytes.insert(object.etag.clone(), bytes);
        self.objects.insert(key.to_owned(), object);
    }

    /// Partway's server.
    pub(crate) fn sign(&mut self, call: &SignObjects, now: Time) -> Result<SignedObjects, Failure> {
        self.calls += 1;
        assert!((1..=1_000).contains(&call.objects.len()));
        if call.objects.len() > self.most {
            return Err(problem(ErrorCode::BodyTooLarge));
        }
        Ok(SignedObjects { objects: call.objects.iter().map(|object| self.sign_one(object, now)).collect() })
    }

    /// No URL that was signed so far is good any longer.
    pub(crate) fn revoke(&mut self, now: Time) {
        self.revoked = (now + self.url_life).as_millis();
    }

    fn sign_one(&mut self, object: &ObjectToSign, now: Time) -> ObjectSigning {
        if let Some(problem) = self.postponed.remove(&object.key) {
            return ObjectSigning::Refused(problem);
        }
        let found = object.look.0.then(|| self.objects.get(&object.key).cloned());
        self.looks += u32::from(object.look.0);
        if found == Some(None) {
            return ObjectSigning::Refused(Problem::new(ErrorCode::ObjectNotFound, "there is none"));
        }
        let host = object.key.len() % self.hosts;
        let expires = (now + self.url_life).as_millis();
        ObjectSigning::Signed(Box::new(SignedObject {
            // The host comes before the third slash.
            url: format!("s3://{host}/{}|{expires}", object.key),
            expires_in: self.url_life.as_secs(),
            object: found.flatten(),
        }))
    }

    /// The store.
    pub(crate) fn get(&mut self, url: &str, range: Option<ByteRange>, now: Time) -> Result<Answer, Failure> {
        let (key, expires) =
            url.splitn(4, '/').nth(3).and_then(|path| path.split_once('|')).expect("a signed URL");
        let expires: u64 = expires.parse().expect("a time");
        if now.as_millis() > expires || expires <= self.revoked {
            return Err(refusal(403, "AccessDenied"));
        }
        if self.refuses_urls > 0 {
            self.refuses_urls -= 1;
            return Err(refusal(403, "SignatureDoesNotMatch"));
        }
        if self.is_archived {
            return Err(refusal(403, "InvalidObjectState"));
        }
        let object = self.objects.get(key).ok_or_else(|| refusal(404, "NoSuchKey"))?;
        let bytes = &self.bytes[&object.etag];
        let etag = (!self.hides_etag).then(|| object.etag.clone());
        let Some(range) = range.filter(|_| !self.ignores_ranges) else {
            let head = Head { status: 200, etag, content_range: None };
            return Ok(Answer { head, body: bytes.clone() });
        };
        assert!(!range.is_empty(), "a range has a byte at least");
        if range.start >= object.size {
            return Err(refusal(416, "InvalidRange"));
        }
        let end = range.end.min(object.size);
        let content_range = Some(format!("bytes {}-{}/{}", range.start, end - 1, object.size));
        let body = bytes[usize::try_from(range.start).unwrap()..usize::try_from(end).unwrap()].to_vec();
        Ok(Answer { head: Head { status: 206, etag, content_range }, body })
    }
}
