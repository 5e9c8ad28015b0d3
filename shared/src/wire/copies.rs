//! `POST /v1/copies`: an object copied within its store, at once or in parts that the client asks the store for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CompletedUpload, CreationId, Grant};
use crate::part::ETag;

/// The request to copy an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateCopy {
    /// A UUID that the client makes for this copy, and sends again whenever it asks for the same once more, since an answer
    /// was lost: that counts once against every limit, and gives the same key. Without it, each request is a copy of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CreationId>,
    /// The object.
    pub from: CopyFrom,
    /// Where the copy will be.
    #[serde(default)]
    pub to: CopyTo,
    /// The copy's metadata, by name without `x-amz-meta-`; none keeps the object's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// The copy's tags; none keeps the object's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// The copy's media type; none keeps the object's.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// The object that is copied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CopyFrom {
    /// The destination that it is in; none is the server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Its key.
    pub key: String,
    /// Its version; none is the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The ETag that it must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<ETag>,
}

/// Where a copy will be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CopyTo {
    /// The destination; none is the server's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// The file's name, of which the destination makes the key; none is what is behind the last slash of the object's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The key itself, in the place of a name. The caller must be allowed to copy at the destination too, within its keys
    /// there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What became of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CreatedCopy {
    /// The object was small: this is the copy.
    Copied(Box<CompletedUpload>),
    /// The object is large. Each part's request has an empty body and the headers that are given, and the store's answer has
    /// the part's ETag in its XML, or an error although its status is 200. All else is as with an upload in parts.
    Accepted(Box<Grant>),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_said_is_kept() {
        let copy: CreateCopy = serde_json::from_value(json!({ "from": { "key": "a" } })).unwrap();
        let from = CopyFrom { key: "a".to_owned(), ..CopyFrom::default() };
        assert_eq!(copy, CreateCopy { from, ..CreateCopy::default() });
        assert_eq!(serde_json::to_value(copy).unwrap(), json!({ "from": { "key": "a" }, "to": {} }));
        let given =
            json!({ "from": { "key": "a" }, "to": { "name": "b" }, "metadata": {}, "type": "text/plain" });
        let copy: CreateCopy = serde_json::from_value(given).unwrap();
        assert_eq!((copy.metadata.map(|given| given.len()), copy.tags), (Some(0), None));
    }
}
