//! The words of a multipart upload as types: part number, ETag, byte range.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_PARTS;

/// The number of a part, from 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct PartNumber(u32);

/// A part number outside 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartNumberOutOfRange(pub u32);

impl PartNumber {
    /// The first part, and the only one of a single PUT.
    pub const FIRST: Self = Self(1);

    /// Checks that `number` is one that S3 allows.
    ///
    /// # Errors
    /// When it is 0 or above 10,000.
    pub const fn new(number: u32) -> Result<Self, PartNumberOutOfRange> {
        if number >= 1 && number <= MAX_PARTS { Ok(Self(number)) } else { Err(PartNumberOutOfRange(number)) }
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The part's place in a list that begins with part 1.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }

    /// The part at `index` of a list that begins with part 1.
    ///
    /// # Errors
    /// When the list would be longer than 10,000.
    pub fn from_index(index: usize) -> Result<Self, PartNumberOutOfRange> {
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        Self::new(number)
    }
}

impl TryFrom<u32> for PartNumber {
    type Error = PartNumberOutOfRange;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        Self::new(number)
    }
}

impl From<PartNumber> for u32 {
    fn from(number: PartNumber) -> Self {
        number.0
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PartNumberOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part numbers run from 1 to {MAX_PARTS}, not {}", self.0)
    }
}

impl std::error::Error for PartNumberOutOfRange {}

/// An entity tag without its quotes.
///
/// Stores and clients send it with quotes and without, so both are read and
/// the quotes never take part in a comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ETag(String);

impl ETag {
    /// The tag, as it stands in a header (RFC 9110, section 8.8.3) or in S3's XML. One that a proxy on the way has
    /// weakened is the store's all the same.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        let tag = tag.trim();
        Self(tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned())
    }

    /// The tag without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag as it goes into a header or into S3's XML.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }

    /// Some stores answer with an empty tag, which identifies nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for ETag {
    fn from(tag: String) -> Self {
        Self::new(&tag)
    }
}

impl From<ETag> for String {
    fn from(tag: ETag) -> Self {
        tag.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A run of a file's bytes, `start` included and `end` not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// The first byte's place.
    pub start: u64,
    /// The place after the last byte.
    pub end: u64,
}

impl ByteRange {
    /// How many bytes it holds.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether it holds none, as the only part of an empty file does.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers_stop_at_their_bounds() {
        assert!(PartNumber::new(0).is_err());
        assert_eq!(PartNumber::new(1).unwrap().index(), 0);
        assert_eq!(PartNumber::new(10_000).unwrap().get(), 10_000);
        assert!(PartNumber::new(10_001).is_err());
        assert!(PartNumber::from_index(10_000).is_err());
        assert!(PartNumber::from_index(usize::MAX).is_err());
        assert!(serde_json::from_str::<PartNumber>("10001").is_err());
        assert!(serde_json::from_str::<PartNumber>("1.5").is_err());
    }

    #[test]
    fn etags_compare_without_quotes() {
        assert_eq!(ETag::new("\"abc\""), ETag::new("abc"));
        assert_eq!(ETag::new("abc").quoted(), "\"abc\"");
        assert_eq!(ETag::new("W/\"abc\""), ETag::new("abc"));
        assert!(ETag::new("\"\"").is_empty());
    }
}
