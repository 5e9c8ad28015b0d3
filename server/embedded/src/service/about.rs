//! Owns the attributes of objects: which are stored, and their limits.

use s3s::dto::Metadata;

use crate::errors::Error;

/// The most bytes of metadata, names and values.
const MOST_METADATA: usize = 2048;

/// S3's storage classes, all of which are the same here. `OUTPOSTS`, `SNOW` and the like are for other services.
const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "GLACIER_IR",
    "DEEP_ARCHIVE",
];

/// Returns the attributes of an object from an input.
macro_rules! about {
    ($input:expr) => {
        $crate::index::About {
            content_type: $input.content_type,
            content_encoding: $crate::service::about::without_chunking($input.content_encoding),
            content_disposition: $input.content_disposition,
            content_language: $input.content_language,
            cache_control: $input.cache_control,
            expires: $input.expires,
            website_redirect: $input.website_redirect_location,
            storage_class: $crate::service::about::storage_class(
                $input.storage_class.as_ref().map(s3s::dto::StorageClass::as_str),
            )?,
            encryption: $crate::service::about::encryption(
                $input.server_side_encryption.as_ref().map(s3s::dto::ServerSideEncryption::as_str),
            )?,
            tagging: $crate::service::tagging::from_header($input.tagging.as_deref())?,
            metadata: $crate::service::about::metadata($input.metadata)?,
        }
    };
}
pub(super) use about;

/// Returns a content encoding without `aws-chunked`, which is the request's and not the object's.
pub(super) fn without_chunking(encoding: Option<String>) -> Option<String> {
    let encoding = encoding?;
    let kept: Vec<&str> = encoding.split(',').map(str::trim).filter(|one| *one != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// Checks a storage class. Returns `None` for the standard one, which answers leave out.
pub(super) fn storage_class(asked: Option<&str>) -> Result<Option<String>, Error> {
    match asked {
        None | Some("STANDARD") => Ok(None),
        Some(class) if STORAGE_CLASSES.contains(&class) => Ok(Some(class.to_owned())),
        Some(_) => Err(Error::InvalidStorageClass),
    }
}

/// Checks an encryption, which answers report. One that needs a stored key is refused.
pub(super) fn encryption(asked: Option<&str>) -> Result<Option<String>, Error> {
    match asked {
        None => Ok(None),
        Some("AES256") => Ok(asked.map(str::to_owned)),
        Some("aws:kms" | "aws:kms:dsse") => {
            Err(Error::NotImplemented("the store has no keys of a key management service".to_owned()))
        }
        Some(_) => Err(Error::InvalidEncryption),
    }
}

pub(super) fn metadata(given: Option<Metadata>) -> Result<Vec<(String, String)>, Error> {
    let metadata: Vec<_> = given.unwrap_or_default().into_iter().collect();
    let bytes = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MOST_METADATA { Err(Error::MetadataTooLarge(bytes)) } else { Ok(metadata) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_kept_without_the_uploads_own() {
        assert_eq!(without_chunking(Some("gzip, aws-chunked".to_owned())).as_deref(), Some("gzip"));
        assert_eq!(without_chunking(Some("aws-chunked".to_owned())), None);
    }

    #[test]
    fn metadata_has_2048_bytes_at_most() {
        let of = |bytes: usize| metadata(Some([("name".to_owned(), "v".repeat(bytes - 4))].into()));
        assert!(of(2048).is_ok());
        assert!(matches!(of(2049), Err(Error::MetadataTooLarge(2049))));
    }
}
