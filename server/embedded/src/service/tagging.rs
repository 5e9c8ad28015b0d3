//! Owns the tags of objects: their rules, their formats in requests, and the operations on them.

use std::collections::HashSet;

use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
};
use s3s::{S3Request, S3Response};

use super::Service;
use super::versions::only_version;
use crate::errors::Error;
use crate::index::Object;

const MOST_TAGS: usize = 10;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

pub(super) async fn get_object_tagging(
    service: &Service,
    request: S3Request<GetObjectTaggingInput>,
) -> Result<S3Response<GetObjectTaggingOutput>, Error> {
    let input = request.input;
    only_version(input.version_id.as_deref())?;
    let object = service.index.read(move |snapshot| snapshot.object(&input.bucket, &input.key)).await?;
    let tag_set = of(&object).map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect();
    Ok(S3Response::new(GetObjectTaggingOutput { tag_set, ..Default::default() }))
}

pub(super) async fn put_object_tagging(
    service: &Service,
    request: S3Request<PutObjectTaggingInput>,
) -> Result<S3Response<PutObjectTaggingOutput>, Error> {
    let input = request.input;
    only_version(input.version_id.as_deref())?;
    let tags = input
        .tagging
        .tag_set
        .into_iter()
        .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()));
    let tagging = from_pairs(&tags.collect::<Vec<_>>())?;
    service.index.write(None, move |txn| txn.set_tags(&input.bucket, &input.key, tagging)).await?;
    Ok(S3Response::new(PutObjectTaggingOutput::default()))
}

pub(super) async fn delete_object_tagging(
    service: &Service,
    request: S3Request<DeleteObjectTaggingInput>,
) -> Result<S3Response<DeleteObjectTaggingOutput>, Error> {
    let input = request.input;
    only_version(input.version_id.as_deref())?;
    service.index.write(None, move |txn| txn.set_tags(&input.bucket, &input.key, None)).await?;
    Ok(S3Response::new(DeleteObjectTaggingOutput::default()))
}

/// Returns an object's tags.
pub(super) fn of(object: &Object) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(object.about.tagging.as_deref().unwrap_or_default().as_bytes()).into_owned()
}

/// Parses tags from the header `x-amz-tagging`, to the format of records.
pub(super) fn from_header(header: Option<&str>) -> Result<Option<String>, Error> {
    let pairs: Vec<_> = form_urlencoded::parse(header.unwrap_or_default().as_bytes()).into_owned().collect();
    let names: HashSet<_> = pairs.iter().map(|(key, _)| key).collect();
    if names.len() < pairs.len() {
        return Err(Error::InvalidArgument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name \
             duplicates."
                .to_owned(),
        ));
    }
    from_pairs(&pairs)
}

/// Parses tags from the XML of a form's field `tagging`.
pub(super) fn from_xml(xml: &str) -> Result<Option<String>, Error> {
    let mut deserializer = s3s::xml::Deserializer::new(xml.as_bytes());
    let tagging = <s3s::dto::Tagging as s3s::xml::Deserialize>::deserialize(&mut deserializer);
    let tagging =
        tagging.map_err(|_| Error::MalformedXml("the form's tagging is not the XML of tags".to_owned()))?;
    let pairs = tagging.tag_set.into_iter();
    let pairs = pairs.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()));
    from_pairs(&pairs.collect::<Vec<_>>())
}

fn from_pairs(pairs: &[(String, String)]) -> Result<Option<String>, Error> {
    let mut names = HashSet::new();
    for (key, value) in pairs {
        if key.is_empty() || key.chars().count() > LONGEST_KEY || !key.chars().all(is_allowed) {
            return Err(Error::InvalidTag("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > LONGEST_VALUE || !value.chars().all(is_allowed) {
            return Err(Error::InvalidTag("The TagValue you have provided is invalid"));
        }
        if !names.insert(key) {
            return Err(Error::InvalidTag("Cannot provide multiple Tags with the same key"));
        }
    }
    if pairs.len() > MOST_TAGS {
        return Err(Error::TooManyTags);
    }
    let written = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Ok((!written.is_empty()).then_some(written))
}

fn is_allowed(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "+-=._:/@".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_rules() {
        assert_eq!(from_header(Some("a=1&b=%C3%BC+%2B")).unwrap().as_deref(), Some("a=1&b=%C3%BC+%2B"));
        assert_eq!(from_header(Some("")).unwrap(), None);
        let many = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&");
        assert!(from_header(Some(&many(10))).is_ok());
        assert!(matches!(from_header(Some(&many(11))), Err(Error::TooManyTags)));
        assert!(matches!(from_header(Some("a=1&a=2")), Err(Error::InvalidArgument(_))));
        assert!(matches!(from_header(Some("a%3C=1")), Err(Error::InvalidTag(_))));
        assert!(matches!(from_header(Some(&format!("{}=1", "k".repeat(129)))), Err(Error::InvalidTag(_))));
        assert!(matches!(from_header(Some(&format!("k={}", "v".repeat(257)))), Err(Error::InvalidTag(_))));
    }

    #[test]
    fn forms_write_tags_in_xml() {
        let xml = "<Tagging><TagSet><Tag><Key>a</Key><Value>1 &amp; 2</Value></Tag></TagSet></Tagging>";
        assert!(matches!(from_xml(xml), Err(Error::InvalidTag(_))), "an ampersand is none of the characters");
        assert_eq!(from_xml(&xml.replace("&amp;", "+")).unwrap().as_deref(), Some("a=1+%2B+2"));
        assert!(matches!(from_xml("a=1"), Err(Error::MalformedXml(_))));
    }
}
