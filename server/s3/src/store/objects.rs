//! What is in the bucket: looked at, listed, deleted.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{ArchiveStatus, Delete, EncodingType, ObjectIdentifier, StorageClass};
use futures_util::stream::{self, StreamExt as _};
use partway_shared::part::ETag;
use partway_shared::wire::{ListedObject, ObjectInfo};
use percent_encoding::percent_decode_str;

use super::avoided::Without;
use super::s3::{S3Store, has_md5_etag, is_status, whole_checksum};
use super::{Optional, Store, StoreError, UnsignedHeaders};

/// The most objects that are deleted at a time where the store deletes them one by one.
const CONCURRENCY: usize = 16;

/// An object that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The object.
    pub object: ObjectInfo,
    /// Whether it has to be restored from an archive before it can be read.
    pub is_archived: bool,
    /// The headers that it was stored with, besides its media type.
    pub headers: UnsignedHeaders,
    /// Its metadata, by name without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Its storage class, where it is not `STANDARD`.
    pub storage_class: Option<String>,
    /// How the store encrypts it, if it says so.
    pub encryption: Option<String>,
    /// Where a website redirects to instead of showing it.
    pub website_redirect: Option<String>,
}

/// Which page of a listing.
#[derive(Clone, Copy, Debug)]
pub struct ListParams<'a> {
    /// What the keys begin with.
    pub prefix: &'a str,
    /// What ends a folder's name.
    pub delimiter: Option<&'a str>,
    /// The key, or the folder with its delimiter, after which the page begins.
    pub after: Option<&'a str>,
    /// The most keys and folders, 1 to 1,000.
    pub limit: u32,
}

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedPage {
    /// The objects, in the order of their keys' bytes.
    pub objects: Vec<ListedObject>,
    /// The folders, each with its delimiter, in the same order.
    pub prefixes: Vec<String>,
    /// The last key or folder of the page, if there is another page.
    pub next: Option<String>,
}

/// An object by its key, or one version of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyVersion {
    /// Its key.
    pub key: String,
    /// Its version; `None` for the current one.
    pub version_id: Option<String>,
}

/// The operations on what is in a bucket.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Returns an object as the store describes it; `None` when there is none.
    async fn look(&self, key: &str, version_id: Option<&str>) -> Result<Option<Looked>, StoreError>;

    /// Returns an object's tags. A store that knows none may refuse the question.
    async fn tags(&self, key: &str, version_id: Option<&str>)
    -> Result<BTreeMap<String, String>, StoreError>;

    /// Returns a page of the keys.
    async fn list(&self, params: ListParams<'_>) -> Result<ListedPage, StoreError>;

    /// Deletes up to 1,000 objects. Returns one result for each, in order; it succeeds where there is none.
    async fn delete_many(&self, objects: &[KeyVersion]) -> Result<Vec<Result<(), StoreError>>, StoreError>;

    /// Deletes an object that has this ETag. Succeeds where there is none.
    ///
    /// Fails with [`StoreError::Changed`] when it has another.
    async fn delete_if(&self, object: &KeyVersion, etag: &ETag) -> Result<(), StoreError>;
}

#[async_trait]
impl Objects for S3Store {
    async fn look(&self, key: &str, version_id: Option<&str>) -> Result<Option<Looked>, StoreError> {
        let Some(head) = self.head_object(key, version_id).await? else { return Ok(None) };
        let mut looked = looked(key, head)?;
        let object = &mut looked.object;
        // The parts' checksums are the only ones there are then, and where each part ends is all that is missing.
        if object.checksum.is_none()
            && object.has_md5_etag
            && let Some(parts) = part_count(&object.etag)
        {
            object.part_size = self.first_part(key, version_id, object.size, parts).await?;
        }
        Ok(Some(looked))
    }

    async fn tags(
        &self,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let request = self.client.get_object_tagging().bucket(&self.bucket).key(key);
        match request.set_version_id(version_id.map(str::to_owned)).send().await {
            Ok(got) => Ok(got.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()),
            // Ceph's gateway answers without a word if there are none.
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().is_success()) => {
                Ok(BTreeMap::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn list(&self, params: ListParams<'_>) -> Result<ListedPage, StoreError> {
        let ListParams { prefix, delimiter, after, limit } = params;
        // A store that is told to begin after a folder may list it again, since what is in it comes later; so it is told to
        // begin after the last key that the folder could have.
        let folder = after.filter(|after| is_folder(after, prefix, delimiter));
        let start_after = match folder {
            Some(folder) => Some(format!("{folder}{}", char::MAX)),
            None => after.map(str::to_owned),
        };
        let page = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_delimiter(delimiter.map(str::to_owned))
            .set_start_after(start_after)
            .max_keys(i32::try_from(limit).unwrap_or(i32::MAX))
            // XML has no way to write every character of a key.
            .encoding_type(EncodingType::Url)
            .send()
            .await?;
        let is_encoded = page.encoding_type == Some(EncodingType::Url);
        let decode = |text: String| if is_encoded { decoded(&text) } else { text };
        let prefixes = page.common_prefixes.unwrap_or_default();
        let prefixes = prefixes.into_iter().filter_map(|common| common.prefix).map(decode);
        let prefixes: Vec<_> = prefixes.filter(|prefix| Some(prefix.as_str()) > after).collect();
        let objects = page.contents.unwrap_or_default().into_iter().filter_map(|object| {
            let size = object.size.and_then(|size| u64::try_from(size).ok());
            Some(ListedObject {
                key: decode(object.key?),
                size: size.unwrap_or_default(),
                etag: ETag::new(object.e_tag.as_deref().unwrap_or_default()),
                last_modified: object.last_modified.and_then(millis),
                storage_class: object
                    .storage_class
                    .map(|class| class.as_str().to_owned())
                    .filter(|class| class != "STANDARD"),
            })
        });
        let objects: Vec<_> = objects.filter(|object| Some(object.key.as_str()) > after).collect();
        let last = objects.last().map(|object| &object.key).max(prefixes.last()).cloned();
        let next = if page.is_truncated == Some(true) {
            let why = "a page of a listing is empty, and is not the last";
            Some(last.ok_or_else(|| StoreError::Misbehaved(why.to_owned()))?)
        } else {
            None
        };
        Ok(ListedPage { objects, prefixes, next })
    }

    async fn delete_many(&self, objects: &[KeyVersion]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        match self.delete_together(objects).await {
            // A store that does not know the operation, or not in these words.
            Err(StoreError::Misbehaved(_)) => {
                let each = stream::iter(objects.to_vec()).map(|KeyVersion { key, version_id }| async move {
                    self.delete(&key, version_id.as_deref()).await
                });
                Ok(each.buffered(CONCURRENCY).collect().await)
            }
            deleted => deleted,
        }
    }

    async fn delete_if(&self, object: &KeyVersion, etag: &ETag) -> Result<(), StoreError> {
        let KeyVersion { key, version_id } = object;
        // Not every store knows the condition.
        let Some(head) = self.head_object(key, version_id.as_deref()).await? else { return Ok(()) };
        if ETag::new(head.e_tag.as_deref().unwrap_or_default()) != *etag {
            return Err(StoreError::Changed);
        }
        let request = self.client.delete_object().bucket(&self.bucket).key(key);
        let request = request.set_version_id(version_id.clone());
        let send = |without: Without| {
            let condition = without.has(Optional::DeleteIfMatch).then(|| etag.quoted());
            let request = request.clone().set_if_match(condition);
            async {
                match request.send().await {
                    Ok(_) => Ok(()),
                    Err(error) if is_status(&error, 404) => Ok(()),
                    Err(error) if is_status(&error, 412) => Err(StoreError::Changed),
                    Err(error) => Err(error.into()),
                }
            }
        };
        self.avoided.send(&[Optional::DeleteIfMatch], send).await
    }
}

impl S3Store {
    /// Returns the size of an object's first part, which is that of all but the last, if the store can tell it.
    async fn first_part(
        &self,
        key: &str,
        version_id: Option<&str>,
        object_size: u64,
        parts: u64,
    ) -> Result<Option<u64>, StoreError> {
        let request = self.client.head_object().bucket(&self.bucket).key(key).part_number(1);
        let head = match request.set_version_id(version_id.map(str::to_owned)).send().await {
            Ok(head) => head,
            Err(error)
                if error.raw_response().is_some_and(|response| response.status().is_client_error()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let size = head.content_length.and_then(|size| u64::try_from(size).ok());
        // Ceph's gateway may answer with the whole object's; and parts need not be of equal sizes.
        Ok(size.filter(|size| *size > 0 && object_size.div_ceil(*size) == parts))
    }

    async fn delete_together(
        &self,
        objects: &[KeyVersion],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let unusable = |error: aws_sdk_s3::error::BuildError| StoreError::Misbehaved(error.to_string());
        let mut delete = Delete::builder().quiet(true);
        for object in objects {
            let identifier = ObjectIdentifier::builder().key(&object.key);
            let identifier = identifier.set_version_id(object.version_id.clone());
            delete = delete.objects(identifier.build().map_err(unusable)?);
        }
        let delete = delete.build().map_err(unusable)?;
        let answer = self.client.delete_objects().bucket(&self.bucket).delete(delete).send().await?;
        let mut errors: HashMap<KeyVersion, StoreError> = HashMap::new();
        for error in answer.errors.unwrap_or_default() {
            let Some(key) = error.key else { continue };
            let code = error.code.as_deref().unwrap_or_default();
            let said = format!("{code} {}", error.message.as_deref().unwrap_or_default());
            let error_of_it = match code {
                "NoSuchKey" | "NoSuchVersion" => continue,
                "AccessDenied" => StoreError::Denied(said),
                _ => StoreError::unavailable(said),
            };
            let version_id = error.version_id.filter(|id| !id.is_empty() && id != "null");
            errors.insert(KeyVersion { key, version_id }, error_of_it);
        }
        Ok(objects
            .iter()
            .map(|object| errors.get(object).map_or(Ok(()), |error| Err(error.clone())))
            .collect())
    }
}

/// Returns of how many parts an object is made, by its ETag; `None` if it was stored by one request.
fn part_count(etag: &ETag) -> Option<u64> {
    etag.as_str().trim_matches('"').rsplit_once('-')?.1.parse().ok().filter(|parts| *parts > 0)
}

/// Returns whether this is a folder of such a listing: a key in it has no delimiter after the prefix.
fn is_folder(name: &str, prefix: &str, delimiter: Option<&str>) -> bool {
    let rest = name.strip_prefix(prefix).filter(|rest| !rest.is_empty());
    rest.zip(delimiter).is_some_and(|(rest, delimiter)| rest.ends_with(delimiter))
}

/// Decodes a key of a listing: percent-encoded, with a plus for a space.
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn millis(at: DateTime) -> Option<i64> {
    let since = SystemTime::try_from(at).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

fn looked(key: &str, head: HeadObjectOutput) -> Result<Looked, StoreError> {
    let size = head.content_length.and_then(|size| u64::try_from(size).ok());
    let is_frozen = matches!(head.storage_class, Some(StorageClass::Glacier | StorageClass::DeepArchive))
        || matches!(
            head.archive_status,
            Some(ArchiveStatus::ArchiveAccess | ArchiveStatus::DeepArchiveAccess)
        );
    // `ongoing-request="false", expiry-date="…"` once there is a copy that can be read.
    let is_restored = head.restore.as_deref().is_some_and(|restore| restore.contains("\"false\""));
    Ok(Looked {
        is_archived: is_frozen && !is_restored,
        headers: UnsignedHeaders {
            cache_control: head.cache_control.clone(),
            content_disposition: head.content_disposition.clone(),
            content_encoding: head.content_encoding.clone(),
            content_language: head.content_language.clone(),
            expires: head.expires_string.clone(),
        },
        metadata: head.metadata.clone().unwrap_or_default().into_iter().collect(),
        storage_class: head.storage_class.as_ref().map(|class| class.as_str().to_owned()),
        encryption: head.server_side_encryption.as_ref().map(|kind| kind.as_str().to_owned()),
        website_redirect: head.website_redirect_location.clone(),
        object: ObjectInfo {
            key: key.to_owned(),
            size: size.ok_or_else(|| StoreError::Misbehaved("an object has no length".to_owned()))?,
            etag: ETag::new(head.e_tag.as_deref().unwrap_or_default()),
            has_md5_etag: has_md5_etag(&head),
            content_type: head.content_type,
            last_modified: head.last_modified.and_then(millis),
            version_id: head.version_id.filter(|id| id != "null"),
            checksum: whole_checksum(head.checksum_crc64_nvme, head.checksum_type.as_ref()).map(Into::into),
            part_size: None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_told_from_a_key() {
        let of = |name, prefix| is_folder(name, prefix, Some("/"));
        assert!(of("a/", "") && of("a/b/", "a/"));
        assert!(!of("a", "") && !of("a/b", "a/"));
        // An object whose key is its folder's name is a key within the folder.
        assert!(!of("a/", "a/"));
        assert!(!is_folder("a/", "", None));
    }

    #[test]
    fn an_etag_tells_how_many_parts() {
        for (etag, parts) in [
            ("\"9b2cf535f27731c974343645a3985328-12\"", Some(12)),
            ("9b2cf5", None),
            ("a-b", None),
            ("a-0", None),
        ] {
            assert_eq!(part_count(&ETag::new(etag)), parts, "{etag}");
        }
    }

    #[test]
    fn keys_are_decoded_as_they_were_written() {
        assert_eq!(decoded("a+b%2Bc%2F%C3%BC%01"), "a b+c/ü\u{1}");
    }
}
