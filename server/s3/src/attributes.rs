//! The attributes of an object besides its bytes: headers, metadata, tags, encryption. A destination or a hook sets
//! them, and they are signed into each URL.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The most bytes of metadata that S3 stores, names and values together.
const MAX_METADATA: usize = 2_048;
/// The most tags that S3 stores with an object.
pub const MAX_TAGS: usize = 10;

/// The metadata that names the upload that an object belongs to, where two uploads can have the same key.
pub const UPLOAD_MARK: &str = "partway-upload";

/// How the store encrypts an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Encryption {
    /// With keys that S3 manages (SSE-S3).
    #[serde(rename = "AES256")]
    Aes256,
    /// With a key in KMS (SSE-KMS).
    #[serde(rename = "aws:kms")]
    Kms,
    /// Twice, with keys in KMS (DSSE-KMS).
    #[serde(rename = "aws:kms:dsse")]
    KmsTwice,
}

impl Encryption {
    /// Returns the value of `x-amz-server-side-encryption`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
            Self::Kms => "aws:kms",
            Self::KmsTwice => "aws:kms:dsse",
        }
    }
}

/// The attributes of an object, besides its bytes and its media type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`, where an upload has none of its own.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`, as an HTTP date.
    pub expires: Option<String>,
    /// Metadata (`x-amz-meta-…`), by name without the prefix.
    pub metadata: BTreeMap<String, String>,
    /// Tags, by name.
    pub tags: BTreeMap<String, String>,
    /// The storage class, such as `STANDARD_IA`.
    pub storage_class: Option<String>,
    /// How the store encrypts it.
    pub encryption: Option<Encryption>,
    /// The id or ARN of the KMS key that encrypts the object.
    pub kms_key_id: Option<String>,
    /// A canned ACL, such as `bucket-owner-full-control`.
    pub acl: Option<String>,
    /// Headers by which S3 stores or guards an object and which mean nothing here, by name: grants, object lock, the redirect of a
    /// website, the context of an encryption.
    pub more: BTreeMap<&'static str, String>,
    /// Whether an existing object under the key must not be replaced.
    pub keeps_existing: bool,
}

impl Attributes {
    /// Returns the attributes of a file that waits to be completed: only what a bucket may require, since nobody
    /// reads it and it is not stored for long.
    #[must_use]
    pub fn of_incoming(&self) -> Self {
        Self {
            encryption: self.encryption,
            kms_key_id: self.kms_key_id.clone(),
            acl: self.acl.clone().filter(|acl| acl.starts_with("bucket-owner-")),
            more: self.more.clone().into_iter().filter(|(name, _)| is_of_encryption(name)).collect(),
            ..Self::default()
        }
    }

    /// Returns the tags as `x-amz-tagging` has them; `None` without tags.
    #[must_use]
    pub fn tagging(&self) -> Option<String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.tags);
        (!self.tags.is_empty()).then(|| query.finish())
    }

    /// Returns the attributes as the headers of a PUT.
    #[must_use]
    pub fn headers(&self) -> BTreeMap<String, String> {
        let mut headers = self.common();
        let mut add =
            |name: &str, value: Option<String>| headers.extend(value.map(|value| (name.to_owned(), value)));
        add("cache-control", self.cache_control.clone());
        add("content-disposition", self.content_disposition.clone());
        add("content-encoding", self.content_encoding.clone());
        add("content-language", self.content_language.clone());
        add("expires", self.expires.clone());
        add("x-amz-acl", self.acl.clone());
        add("x-amz-tagging", self.tagging());
        add("if-none-match", self.keeps_existing.then(|| "*".to_owned()));
        headers.extend(self.more.iter().map(|(&name, value)| (name.to_owned(), value.clone())));
        headers
    }

    /// Returns the attributes as the fields of a form; `None` where a form cannot express them all.
    #[must_use]
    pub fn fields(&self) -> Option<BTreeMap<String, String>> {
        // Tags are XML there, which stores read differently; conditions there are none.
        if !self.tags.is_empty() || self.keeps_existing || !self.more.is_empty() {
            return None;
        }
        let mut fields = self.common();
        let mut add = |name: &str, value: &Option<String>| {
            fields.extend(value.clone().map(|value| (name.to_owned(), value)));
        };
        add("Cache-Control", &self.cache_control);
        add("Content-Disposition", &self.content_disposition);
        add("Content-Encoding", &self.content_encoding);
        add("Content-Language", &self.content_language);
        add("Expires", &self.expires);
        add("acl", &self.acl);
        Some(fields)
    }

    /// Returns what has the same name in headers and in form fields.
    fn common(&self) -> BTreeMap<String, String> {
        let metadata =
            self.metadata.iter().map(|(name, value)| (format!("x-amz-meta-{name}"), value.clone()));
        let mut common: BTreeMap<_, _> = metadata.collect();
        let mut add =
            |name: &str, value: Option<String>| common.extend(value.map(|value| (name.to_owned(), value)));
        add("x-amz-storage-class", self.storage_class.clone());
        add("x-amz-server-side-encryption", self.encryption.map(|kind| kind.as_str().to_owned()));
        add("x-amz-server-side-encryption-aws-kms-key-id", self.kms_key_id.clone());
        common
    }
}

fn is_of_encryption(header: &str) -> bool {
    header.starts_with("x-amz-server-side-encryption-")
}

/// Checks metadata: names of `a-z`, `0-9`, `-` and `_`, values that [`check_value`] accepts, at most 2,048 bytes in
/// all.
///
/// # Errors
/// Names the entry that is not valid, and the rule.
pub fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), String> {
    let mut bytes = 0;
    for (name, value) in metadata {
        let is_name = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if !is_name || name == UPLOAD_MARK {
            return Err(format!("the name of metadata {name:?} must have only a-z, 0-9, - and _"));
        }
        check_value(value)?;
        bytes += name.len() + value.len();
    }
    if bytes > MAX_METADATA { Err(too_much_metadata()) } else { Ok(()) }
}

/// Checks how much metadata there is. Its names and values may be another program's, which S3 has taken before.
///
/// # Errors
/// Says the rule.
pub fn check_metadata_size(metadata: &BTreeMap<String, String>) -> Result<(), String> {
    let bytes = metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    if bytes > MAX_METADATA { Err(too_much_metadata()) } else { Ok(()) }
}

fn too_much_metadata() -> String {
    format!("metadata may have at most {MAX_METADATA} bytes, names and values together")
}

/// Checks tags: at most 10, names of at most 128 characters and values of at most 256.
///
/// # Errors
/// Names the tag that is not valid, and the rule.
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), String> {
    if tags.len() > MAX_TAGS {
        return Err(format!("an object may have at most {MAX_TAGS} tags"));
    }
    let is_allowed = |text: &str| text.chars().all(|c| c.is_alphanumeric() || " +-=._:/@".contains(c));
    let long = |text: &str, max: usize| text.chars().count() > max;
    match tags.iter().find(|(name, value)| {
        name.is_empty() || !is_allowed(name) || !is_allowed(value) || long(name, 128) || long(value, 256)
    }) {
        Some((name, _)) => {
            Err(format!("the tag {name:?} has characters that S3 does not accept, or is too long"))
        }
        None => Ok(()),
    }
}

/// Checks a header value: 1 to 1,024 printable ASCII characters, without spaces at the ends or in a row, so that
/// every canonical form is the same.
///
/// # Errors
/// Says the rule.
pub fn check_value(value: &str) -> Result<(), String> {
    let is_plain =
        value.bytes().all(|b| (b' '..=b'~').contains(&b)) && value.trim() == value && !value.contains("  ");
    if is_plain && !value.is_empty() && value.len() <= 1_024 {
        return Ok(());
    }
    Err("a header's value must be 1 to 1,024 printable ASCII characters, without spaces at its ends or in a row"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn headers_and_fields_say_the_same() {
        let mut attributes = Attributes {
            cache_control: Some("no-store".to_owned()),
            metadata: pairs(&[("app", "demo")]),
            storage_class: Some("STANDARD_IA".to_owned()),
            encryption: Some(Encryption::Kms),
            kms_key_id: Some("key-1".to_owned()),
            acl: Some("bucket-owner-full-control".to_owned()),
            ..Attributes::default()
        };
        let headers = attributes.headers();
        assert_eq!(headers["x-amz-server-side-encryption"], "aws:kms");
        assert_eq!(headers["x-amz-acl"], "bucket-owner-full-control");
        let fields = attributes.fields().unwrap();
        assert_eq!(fields["acl"], headers["x-amz-acl"]);
        assert_eq!(fields["x-amz-meta-app"], "demo");
        assert_eq!(fields.len(), headers.len());
        attributes.tags = pairs(&[("a b", "c&d")]);
        assert_eq!(attributes.headers()["x-amz-tagging"], "a+b=c%26d");
        assert_eq!(attributes.fields(), None);
    }

    #[test]
    fn nothing_that_could_break_a_header_passes() {
        for bad in ["", "a\r\nx-amz-acl: public-read", "a\nb", "ü", "a\u{0}", " a", "a  b", "a\tb"] {
            assert!(check_value(bad).is_err(), "{bad:?}");
            assert!(check_metadata(&pairs(&[("name", bad)])).is_err(), "{bad:?}");
        }
        for bad in ["", "a:b", "A", "ü", "a b", "a\r", UPLOAD_MARK] {
            assert!(check_metadata(&pairs(&[(bad, "x")])).is_err(), "{bad:?}");
        }
        assert!(check_metadata(&pairs(&[("a", &"x".repeat(1_024)), ("b", &"x".repeat(1_024))])).is_err());
        assert!(
            check_tags(&pairs(&[("a", "x\u{0}")])).is_err() && check_tags(&pairs(&[("a", "b c")])).is_ok()
        );
    }
}
