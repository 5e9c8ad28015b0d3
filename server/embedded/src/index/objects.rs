//! Owns the transactions on buckets and whole objects. Never knows bodies: contents are written before.

use redb::ReadableTable as _;

use crate::conditions::WriteConditions;
use crate::contents::ContentId;
use crate::errors::Error;

use super::records::{Body, Object, Record as _, Segment};
use super::tables::{Snapshot, Txn, read_object};

/// An object, and the contents of its bytes, in order.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) object: Object,
    pub(crate) segments: Vec<Segment>,
}

impl Snapshot {
    /// Returns the object under a key.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<Object, Error> {
        self.need_bucket(bucket)?;
        read_object(&self.objects, bucket, key)?.ok_or(Error::NoSuchKey)
    }

    /// Returns the object under a key, with its contents.
    pub(crate) fn found(&self, bucket: &str, key: &str) -> Result<Found, Error> {
        let object = self.object(bucket, key)?;
        let segments = match &object.body {
            Body::Empty => Vec::new(),
            Body::One(content) => vec![Segment { content: Some(*content), len: object.size }],
            Body::Parts { list, .. } => self.list(*list)?,
        };
        Ok(Found { object, segments })
    }
}

impl Txn<'_> {
    /// Creates a bucket, unless it exists. Returns whether it was created.
    pub(crate) fn create_bucket(&mut self, bucket: &str, now_ms: u64) -> Result<bool, Error> {
        let is_new = self.buckets.get(bucket)?.is_none();
        if is_new {
            self.buckets.insert(bucket, now_ms)?;
        }
        Ok(is_new)
    }

    /// Removes a bucket without objects, and aborts its uploads.
    pub(crate) fn delete_bucket(&mut self, bucket: &str) -> Result<(), Error> {
        self.need_bucket(bucket)?;
        let first: &[u8] = &[];
        let next = self.objects.range((bucket, first)..)?.next().transpose()?;
        if next.is_some_and(|(key, _)| key.value().0 == bucket) {
            return Err(Error::BucketNotEmpty);
        }
        while let Some((key, id)) = self.first_upload(bucket)? {
            self.remove_upload((bucket, &key, &id))?;
        }
        self.lifecycles.remove(bucket)?;
        self.completed.retain_in((bucket, first, "").., |(of, _, _), _| of != bucket)?;
        self.buckets.remove(bucket)?;
        Ok(())
    }

    /// Stores `object` under the key, if `conditions` hold for the existing one.
    pub(crate) fn put(
        &mut self,
        (bucket, key): (&str, &str),
        conditions: &WriteConditions,
        object: &Object,
    ) -> Result<(), Error> {
        self.check_write((bucket, key), conditions)?;
        if let Body::One(content) = object.body {
            self.add_content(content, object.size)?;
        }
        self.set_object(bucket, key, object)
    }

    /// Replaces an object's tags.
    pub(crate) fn set_tags(&mut self, bucket: &str, key: &str, tagging: Option<String>) -> Result<(), Error> {
        self.need_bucket(bucket)?;
        let mut object = self.object(bucket, key)?.ok_or(Error::NoSuchKey)?;
        object.about.tagging = tagging;
        self.objects.insert((bucket, key.as_bytes()), object.to_bytes()?.as_slice())?;
        Ok(())
    }

    /// Stores an object that shares the contents of another one. `make` receives that one, and may refuse.
    pub(crate) fn copy(
        &mut self,
        (from_bucket, from_key): (&str, &str),
        (bucket, key): (&str, &str),
        conditions: &WriteConditions,
        make: impl FnOnce(Object) -> Result<Object, Error>,
    ) -> Result<Object, Error> {
        self.need_bucket(from_bucket)?;
        self.check_write((bucket, key), conditions)?;
        let mut object = make(self.object(from_bucket, from_key)?.ok_or(Error::NoSuchKey)?)?;
        object.body = self.share(&object.body)?;
        self.set_object(bucket, key, &object)?;
        Ok(object)
    }

    /// Removes the object under the key, if there is one and `if_match` holds for it.
    pub(crate) fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        if_match: &WriteConditions,
    ) -> Result<(), Error> {
        self.check_write((bucket, key), if_match)?;
        self.remove_object(bucket, key)
    }

    pub(super) fn check_write(
        &self,
        (bucket, key): (&str, &str),
        conditions: &WriteConditions,
    ) -> Result<(), Error> {
        self.need_bucket(bucket)?;
        let existing = self.object(bucket, key)?;
        conditions.check(existing.as_ref().map(|object| object.etag.as_str()))
    }
}

impl Body {
    /// Returns the body of an object that was sent in one request.
    pub(crate) fn of(content: Option<ContentId>) -> Self {
        content.map_or(Self::Empty, Self::One)
    }
}
