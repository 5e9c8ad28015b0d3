//! Owns the pages of listings, of objects and of uploads: order, prefix, delimiter and continuation. Never knows how
//! a page is written.

use std::ops::Bound;

use crate::errors::Error;
use crate::keys;

use super::records::{Object, Record, Upload};
use super::tables::Snapshot;

/// Which objects to list.
#[derive(Debug, Default)]
pub(crate) struct ObjectQuery {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) delimiter: Option<String>,
    /// The last key, or common prefix, of the page before; or a key to start after.
    pub(crate) after: String,
    pub(crate) limit: usize,
}

/// An entry of a listing.
#[derive(Debug)]
pub(crate) enum Entry<T> {
    Item(String, T),
    CommonPrefix(String),
}

impl<T> Entry<T> {
    /// Returns the name after which the next page starts.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Item(name, _) | Self::CommonPrefix(name) => name,
        }
    }
}

/// Which uploads to list.
#[derive(Debug, Default)]
pub(crate) struct UploadQuery {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) delimiter: Option<String>,
    pub(crate) key_after: String,
    /// If set, uploads of the key `key_after` itself follow if their ids are greater.
    pub(crate) id_after: Option<String>,
    pub(crate) limit: usize,
}

/// A page of uploads with their ids, and whether there are more.
pub(crate) type UploadsPage = (Vec<Entry<(String, Upload)>>, bool);

impl Snapshot {
    /// Returns a page of objects in the byte order of their keys, and whether there are more.
    pub(crate) fn list_objects(&self, query: &ObjectQuery) -> Result<(Vec<Entry<Object>>, bool), Error> {
        let ObjectQuery { bucket, prefix, delimiter, after, limit } = query;
        self.need_bucket(bucket)?;
        let mut entries = Vec::new();
        let mut from = start(prefix, delimiter.as_deref(), after);
        'groups: loop {
            let lower = from.as_ref().map(|key| (bucket.as_str(), key.as_slice()));
            for entry in self.objects.range::<(&str, &[u8])>((lower, Bound::Unbounded))? {
                let (place, object) = entry?;
                let (in_bucket, key) = place.value();
                let key = std::str::from_utf8(key).map_err(Error::internal)?;
                if in_bucket != bucket || !key.starts_with(prefix) {
                    break 'groups;
                }
                if entries.len() == *limit {
                    return Ok((entries, true));
                }
                if let Some(group) = keys::common_prefix(key, prefix, delimiter.as_deref()) {
                    entries.push(Entry::CommonPrefix(group.to_owned()));
                    from = Bound::Included(keys::behind(group));
                    continue 'groups;
                }
                entries.push(Entry::Item(key.to_owned(), Object::from_bytes(object.value())?));
            }
            break;
        }
        Ok((entries, false))
    }

    /// Returns a page of uploads, by key and then by time, and whether there are more.
    pub(crate) fn list_uploads(&self, query: &UploadQuery) -> Result<UploadsPage, Error> {
        let UploadQuery { bucket, prefix, delimiter, key_after, id_after, limit } = query;
        self.need_bucket(bucket)?;
        let mut entries = Vec::new();
        let mut from = (start(prefix, delimiter.as_deref(), key_after), "");
        if let Some(id) = id_after.as_deref().filter(|_| key_after.as_str() >= prefix.as_str()) {
            from = (Bound::Included(key_after.clone().into_bytes()), id);
        }
        'groups: loop {
            let (key, id) = &from;
            let lower = match key {
                Bound::Included(key) if id.is_empty() => Bound::Included((bucket.as_str(), key.clone(), "")),
                Bound::Included(key) => Bound::Excluded((bucket.as_str(), key.clone(), *id)),
                // The first key behind one is that key with a zero byte.
                Bound::Excluded(key) => {
                    Bound::Included((bucket.as_str(), [key.as_slice(), &[0]].concat(), ""))
                }
                Bound::Unbounded => Bound::Included((bucket.as_str(), Vec::new(), "")),
            };
            let lower = lower.as_ref().map(|(bucket, key, id)| (*bucket, key.as_slice(), *id));
            for entry in self.uploads.range::<(&str, &[u8], &str)>((lower, Bound::Unbounded))? {
                let (place, upload) = entry?;
                let (in_bucket, key, id) = place.value();
                let key = std::str::from_utf8(key).map_err(Error::internal)?;
                if in_bucket != bucket || !key.starts_with(prefix) {
                    break 'groups;
                }
                if entries.len() == *limit {
                    return Ok((entries, true));
                }
                if let Some(group) = keys::common_prefix(key, prefix, delimiter.as_deref()) {
                    entries.push(Entry::CommonPrefix(group.to_owned()));
                    from = (Bound::Included(keys::behind(group)), "");
                    continue 'groups;
                }
                let upload = Upload::from_bytes(upload.value())?;
                entries.push(Entry::Item(key.to_owned(), (id.to_owned(), upload)));
            }
            break;
        }
        Ok((entries, false))
    }
}

/// Returns the key at which a listing starts.
fn start(prefix: &str, delimiter: Option<&str>, after: &str) -> Bound<Vec<u8>> {
    if after.is_empty() || after < prefix {
        Bound::Included(prefix.as_bytes().to_vec())
    } else if keys::common_prefix(after, prefix, delimiter) == Some(after) {
        // The whole group was listed.
        Bound::Included(keys::behind(after))
    } else {
        Bound::Excluded(after.as_bytes().to_vec())
    }
}
