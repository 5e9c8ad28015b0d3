//! `/v1/objects`: signed for, listed, looked at and deleted. Each batch has one result for each object.

use serde::{Deserialize, Serialize};

use super::ObjectChecksum;
use crate::error::Problem;
use crate::part::ETag;

/// The name of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ObjectName {
    /// The destination that it is in; none is the server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Its key, as listings and completed uploads give it.
    pub key: String,
    /// Its version; none is the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

/// An object, as the store describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ObjectInfo {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub size: u64,
    /// Its ETag.
    pub etag: ETag,
    /// Whether the ETag is made of MD5s: of the bytes, or of its parts' where it ends in `-N`.
    pub has_md5_etag: bool,
    /// Its media type, if it has one.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// When it was stored, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<i64>,
    /// Its version, in a bucket with versioning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The checksum of all its bytes that the store verified, where that is a CRC-64/NVME.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<ObjectChecksum>,
    /// The size in bytes of each of its parts but the last, where its ETag is made of theirs and nothing better is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub part_size: Option<u64>,
}

/// The request for signed URLs: up to 1,000 objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignObjects {
    /// The objects, in the order in which the results come back.
    pub objects: Vec<ObjectToSign>,
}

/// One object to sign a URL for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ObjectToSign {
    /// The destination that it is in; none is the server's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Its key.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub key: String,
    /// Its version; none is the current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// What the URL is for. A URL for one is refused for the other.
    #[serde(skip_serializing_if = "is_default")]
    pub method: ReadMethod,
    /// What the store's answer says of the object, instead of what is stored with it.
    #[serde(flatten)]
    pub response: ResponseHeaders,
    /// The seconds for which the URL should be valid, 1 to 604,800 (7 days). The answer says how long it truly is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub expires_in: Option<u64>,
    /// Whether the store is asked about the object first. Without it, the URL of an object that does not exist is
    /// signed as well.
    #[serde(skip_serializing_if = "is_true")]
    pub look: Looks,
}

/// Whether to look at an object: yes, unless the request says `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Looks(pub bool);

impl Default for Looks {
    fn default() -> Self {
        Self(true)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_true(looks: &Looks) -> bool {
    looks.0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The method of a URL that reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReadMethod {
    /// `GET`, with or without a `Range`.
    #[default]
    Get,
    /// `HEAD`
    Head,
}

/// What a browser does with an object that it is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Download it.
    Attachment,
    /// Show it. Types that browsers execute are downloaded all the same, unless the destination shows them.
    Inline,
}

/// Headers of the store's answer that the URL overrides (S3's `response-…` parameters).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ResponseHeaders {
    /// The file name in `Content-Disposition`, as the user will see it. Alone, it makes an attachment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Whether `Content-Disposition` says `attachment` or `inline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
    /// `Content-Type`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Cache-Control`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Content-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Content-Encoding`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Expires`, as an HTTP date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedObjects {
    /// One result for each object, in the order of the request.
    pub objects: Vec<ObjectSigning>,
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ObjectSigning {
    /// It may be read.
    Signed(Box<SignedObject>),
    /// It may not, and why.
    Refused(Problem),
}

/// A URL by which anybody can read one object until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedObject {
    /// The URL. It is sent as it is, without further credentials.
    pub url: String,
    /// Seconds for which it is valid: no longer than the credentials that signed it.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub expires_in: u64,
    /// The object, if it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectInfo>,
}

/// The request for a page of a listing, as a query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct ListObjects {
    /// The destination; none is the server's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// What the keys begin with; none is all that the caller may list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// What ends a folder's name, such as `/`: what is below a folder is listed as one of `prefixes`. None lists all keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// The `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The most keys and prefixes of the page, 1 to 1,000; 1,000 unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1_000))]
    pub limit: Option<u32>,
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListedObjects {
    /// What the keys of the listing begin with: what was asked for, or all that the caller may list.
    pub prefix: String,
    /// The objects, in the order of their keys' bytes.
    pub objects: Vec<ListedObject>,
    /// The folders, each with its delimiter, in the same order.
    pub prefixes: Vec<String>,
    /// Where the next page begins; none is the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub size: u64,
    /// Its ETag.
    pub etag: ETag,
    /// When it was stored, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<i64>,
    /// Its storage class, where it is not `STANDARD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
}

/// The request to look at up to 100 objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LookAtObjects {
    /// The objects, in the order in which the results come back.
    pub objects: Vec<ObjectName>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LookedAtObjects {
    /// One result for each object, in the order of the request.
    pub objects: Vec<ObjectLook>,
}

/// What was seen of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ObjectLook {
    /// It is there.
    Found(Box<ObjectInfo>),
    /// It is not, or it may not be looked at.
    Refused(Problem),
}

/// The request to delete up to 1,000 objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteObjects {
    /// The objects, in the order in which the results come back.
    pub objects: Vec<ObjectToDelete>,
}

/// One object to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ObjectToDelete {
    /// The destination that it is in; none is the server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Its key.
    pub key: String,
    /// Its version, which is removed for good. Without it, the current one goes, and a bucket with versioning keeps it as an
    /// older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The ETag that it must have still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<ETag>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeletedObjects {
    /// One result for each object, in the order of the request.
    pub objects: Vec<ObjectDeletion>,
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ObjectDeletion {
    /// There is no such object any more.
    Deleted(DeletedObject),
    /// It was not deleted, and why.
    Refused(Problem),
}

/// An object that was deleted, or did not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeletedObject {
    /// Its key.
    pub key: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_said_is_the_default() {
        let object: ObjectToSign = serde_json::from_value(json!({ "key": "a" })).unwrap();
        let expected = ObjectToSign { key: "a".to_owned(), ..ObjectToSign::default() };
        assert_eq!(object, expected);
        assert!(object.look.0 && object.method == ReadMethod::Get);
        assert_eq!(serde_json::to_value(expected).unwrap(), json!({ "key": "a" }));
    }

    #[test]
    fn headers_stand_beside_the_key() {
        let object = json!({ "key": "a", "filename": "ü.txt", "disposition": "inline", "type": "text/plain", "look": false });
        let read: ObjectToSign = serde_json::from_value(object.clone()).unwrap();
        assert_eq!(read.response.filename.as_deref(), Some("ü.txt"));
        assert_eq!(serde_json::to_value(read).unwrap(), object);
    }
}
