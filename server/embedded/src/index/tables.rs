//! Owns the tables: their keys, and how often each content is used. Never knows what S3 makes of them.

use std::collections::HashMap;

use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction,
};

use crate::contents::ContentId;
use crate::errors::Error;

use super::OpenIndexError;
use super::records::{Body, Object, Record, SCHEMA, Segment, Upload};

/// Bucket and key; keys sort by bytes, as S3 lists them.
pub(super) type ObjectKey = (&'static str, &'static [u8]);
/// Bucket, key, upload id; ids sort by time.
pub(super) type UploadsKey = (&'static str, &'static [u8], &'static str);
/// Upload id, part number.
pub(super) type PartsKey = (&'static str, u16);
pub(super) type Bytes = &'static [u8];

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const BUCKETS: TableDefinition<'_, &str, u64> = TableDefinition::new("buckets");
const OBJECTS: TableDefinition<'_, ObjectKey, Bytes> = TableDefinition::new("objects");
const LISTS: TableDefinition<'_, u128, Bytes> = TableDefinition::new("part_lists");
const UPLOADS: TableDefinition<'_, UploadsKey, Bytes> = TableDefinition::new("uploads");
const PARTS: TableDefinition<'_, PartsKey, Bytes> = TableDefinition::new("parts");
/// Uploads that are completed.
const COMPLETED: TableDefinition<'_, UploadsKey, Bytes> = TableDefinition::new("completed");
/// The lifecycle rules of buckets.
const LIFECYCLES: TableDefinition<'_, &str, Bytes> = TableDefinition::new("lifecycles");
/// The number of records that use a content, and its size.
const CONTENTS: TableDefinition<'_, u128, (u32, u64)> = TableDefinition::new("contents");

/// Creates the tables, and checks that their records are of this version.
pub(super) fn prepare(database: &Database) -> Result<(), OpenIndexError> {
    let transaction = database.begin_write().map_err(Error::from)?;
    {
        let mut meta = transaction.open_table(META).map_err(Error::from)?;
        let found = meta.get("schema").map_err(Error::from)?.map(|schema| schema.value());
        match found {
            Some(SCHEMA) => {}
            Some(found) => {
                return Err(OpenIndexError::Schema { found, expected: SCHEMA });
            }
            None => drop(meta.insert("schema", SCHEMA).map_err(Error::from)?),
        }
        Txn::new(&transaction)?;
    }
    transaction.commit().map_err(Error::from)?;
    Ok(())
}

/// A consistent state of all tables, for reading.
pub(crate) struct Snapshot {
    pub(super) buckets: ReadOnlyTable<&'static str, u64>,
    pub(super) objects: ReadOnlyTable<ObjectKey, Bytes>,
    lists: ReadOnlyTable<u128, Bytes>,
    pub(super) uploads: ReadOnlyTable<UploadsKey, Bytes>,
    pub(super) parts: ReadOnlyTable<PartsKey, Bytes>,
    pub(super) lifecycles: ReadOnlyTable<&'static str, Bytes>,
    contents: ReadOnlyTable<u128, (u32, u64)>,
}

impl Snapshot {
    pub(super) fn new(transaction: &ReadTransaction) -> Result<Self, Error> {
        Ok(Self {
            buckets: transaction.open_table(BUCKETS)?,
            objects: transaction.open_table(OBJECTS)?,
            lists: transaction.open_table(LISTS)?,
            uploads: transaction.open_table(UPLOADS)?,
            parts: transaction.open_table(PARTS)?,
            lifecycles: transaction.open_table(LIFECYCLES)?,
            contents: transaction.open_table(CONTENTS)?,
        })
    }

    /// Returns the name and time of creation of each bucket.
    pub(crate) fn buckets(&self) -> Result<Vec<(String, u64)>, Error> {
        let all = self.buckets.range::<&str>(..)?;
        all.map(|entry| entry.map(|(name, created)| (name.value().to_owned(), created.value())))
            .collect::<Result<_, _>>()
            .map_err(Error::from)
    }

    pub(crate) fn need_bucket(&self, bucket: &str) -> Result<(), Error> {
        self.buckets.get(bucket)?.map(drop).ok_or(Error::NoSuchBucket)
    }

    /// Returns the parts of an object with more than one content.
    pub(super) fn list(&self, list: u128) -> Result<Vec<Segment>, Error> {
        read_list(&self.lists, list)
    }

    pub(super) fn names(&self, content: ContentId) -> Result<bool, Error> {
        Ok(self.contents.get(content.0)?.is_some())
    }

    /// Returns the contents whose ids start with one byte, and their sizes.
    pub(super) fn contents_of_shard(&self, shard: u8) -> Result<Vec<(ContentId, u64)>, Error> {
        let first = u128::from(shard) << 120;
        let all = self.contents.range(first..=first | (u128::MAX >> 8))?;
        all.map(|entry| entry.map(|(id, used)| (ContentId(id.value()), used.value().1)))
            .collect::<Result<_, _>>()
            .map_err(Error::from)
    }
}

/// All tables, for a change that becomes visible as a whole or not at all.
pub(crate) struct Txn<'t> {
    pub(super) buckets: Table<'t, &'static str, u64>,
    pub(super) objects: Table<'t, ObjectKey, Bytes>,
    lists: Table<'t, u128, Bytes>,
    pub(super) uploads: Table<'t, UploadsKey, Bytes>,
    pub(super) parts: Table<'t, PartsKey, Bytes>,
    pub(super) completed: Table<'t, UploadsKey, Bytes>,
    pub(super) lifecycles: Table<'t, &'static str, Bytes>,
    contents: Table<'t, u128, (u32, u64)>,
    forgotten: HashMap<ContentId, u64>,
}

impl<'t> Txn<'t> {
    pub(super) fn new(transaction: &'t WriteTransaction) -> Result<Self, Error> {
        Ok(Self {
            buckets: transaction.open_table(BUCKETS)?,
            objects: transaction.open_table(OBJECTS)?,
            lists: transaction.open_table(LISTS)?,
            uploads: transaction.open_table(UPLOADS)?,
            parts: transaction.open_table(PARTS)?,
            completed: transaction.open_table(COMPLETED)?,
            lifecycles: transaction.open_table(LIFECYCLES)?,
            contents: transaction.open_table(CONTENTS)?,
            forgotten: HashMap::new(),
        })
    }

    /// Returns the contents that are not used any more, to be unlinked after the transaction is on disk.
    pub(super) fn into_forgotten(self) -> Vec<(ContentId, u64)> {
        self.forgotten.into_iter().collect()
    }

    pub(crate) fn need_bucket(&self, bucket: &str) -> Result<(), Error> {
        self.buckets.get(bucket)?.map(drop).ok_or(Error::NoSuchBucket)
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> Result<Option<Object>, Error> {
        read_object(&self.objects, bucket, key)
    }

    /// Stores `object` in place of an existing one.
    pub(super) fn set_object(&mut self, bucket: &str, key: &str, object: &Object) -> Result<(), Error> {
        self.remove_object(bucket, key)?;
        self.objects.insert((bucket, key.as_bytes()), object.to_bytes()?.as_slice())?;
        Ok(())
    }

    pub(super) fn remove_object(&mut self, bucket: &str, key: &str) -> Result<(), Error> {
        let removed = self.objects.remove((bucket, key.as_bytes()))?;
        let removed = removed.map(|bytes| Object::from_bytes(bytes.value())).transpose()?;
        match removed.map(|object| object.body) {
            Some(Body::One(content)) => self.release(content),
            Some(Body::Parts { list, .. }) => {
                let segments = read_list(&self.lists, list)?;
                self.lists.remove(list)?;
                segments
                    .into_iter()
                    .filter_map(|segment| segment.content)
                    .try_for_each(|content| self.release(content))
            }
            Some(Body::Empty) | None => Ok(()),
        }
    }

    /// Stores a list of parts; the caller updates the contents' counts.
    pub(super) fn add_list(&mut self, segments: &Vec<Segment>) -> Result<Body, Error> {
        let list = ContentId::random()?.0;
        let count = u32::try_from(segments.len()).map_err(Error::internal)?;
        self.lists.insert(list, segments.to_bytes()?.as_slice())?;
        Ok(Body::Parts { list, count })
    }

    /// Returns another body with the same contents.
    pub(super) fn share(&mut self, body: &Body) -> Result<Body, Error> {
        match body {
            Body::Empty => Ok(Body::Empty),
            Body::One(content) => {
                self.retain(*content)?;
                Ok(Body::One(*content))
            }
            Body::Parts { list, .. } => {
                let segments = read_list(&self.lists, *list)?;
                for content in segments.iter().filter_map(|segment| segment.content) {
                    self.retain(content)?;
                }
                self.add_list(&segments)
            }
        }
    }

    /// Counts the first use of new content.
    pub(super) fn add_content(&mut self, content: ContentId, size: u64) -> Result<(), Error> {
        self.contents.insert(content.0, (1, size))?;
        Ok(())
    }

    fn retain(&mut self, content: ContentId) -> Result<(), Error> {
        let used = self.contents.get(content.0)?.map(|used| used.value());
        let (uses, size) =
            used.ok_or_else(|| Error::internal("an object uses content that is not counted"))?;
        self.contents.insert(content.0, (uses + 1, size))?;
        Ok(())
    }

    /// Counts one use less, and forgets content without uses.
    pub(super) fn release(&mut self, content: ContentId) -> Result<(), Error> {
        let used = self.contents.get(content.0)?.map(|used| used.value());
        match used {
            Some((uses, size)) if uses > 1 => {
                drop(self.contents.insert(content.0, (uses - 1, size))?);
            }
            Some((_, size)) => {
                self.contents.remove(content.0)?;
                self.forgotten.insert(content, size);
            }
            None => {}
        }
        Ok(())
    }
}

pub(super) fn read_object(
    objects: &impl ReadableTable<ObjectKey, Bytes>,
    bucket: &str,
    key: &str,
) -> Result<Option<Object>, Error> {
    objects.get((bucket, key.as_bytes()))?.map(|bytes| Object::from_bytes(bytes.value())).transpose()
}

pub(super) fn read_upload(
    uploads: &impl ReadableTable<UploadsKey, Bytes>,
    (bucket, key, id): (&str, &str, &str),
) -> Result<Upload, Error> {
    let found = uploads.get((bucket, key.as_bytes(), id))?;
    Upload::from_bytes(found.ok_or(Error::NoSuchUpload)?.value())
}

fn read_list(lists: &impl ReadableTable<u128, Bytes>, list: u128) -> Result<Vec<Segment>, Error> {
    let found = lists.get(list)?.ok_or_else(|| Error::internal("an object's list of parts is missing"))?;
    Vec::from_bytes(found.value())
}
