//! Owns which bytes of an object a request reads. Never knows where they are stored.

use s3s::dto::Range;

use super::errors::Error;

/// A range of an object's bytes, and how to announce it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) start: u64,
    pub(crate) len: u64,
    /// The object's size.
    pub(crate) of: u64,
    /// Whether the answer is 206 with a Content-Range.
    pub(crate) partial: bool,
}

impl Stretch {
    /// Returns the whole object.
    pub(crate) fn whole(size: u64) -> Self {
        Self { start: 0, len: size, of: size, partial: false }
    }

    /// Returns the bytes of a Range header for an object of `size` bytes.
    pub(crate) fn of_range(range: Range, size: u64) -> Result<Self, Error> {
        let (start, end) = match range {
            Range::Int { first, last } => (first, last.map_or(size, |last| last.saturating_add(1).min(size))),
            Range::Suffix { length } => (size.saturating_sub(length), size),
        };
        match end.checked_sub(start) {
            Some(len) if len > 0 => Ok(Self { start, len, of: size, partial: true }),
            _ => Err(Error::InvalidRange { size }),
        }
    }

    /// Returns the value of Content-Range, if the answer has one.
    pub(crate) fn content_range(&self) -> Option<String> {
        let Self { start, len, of, partial } = *self;
        (partial && len > 0).then(|| format!("bytes {start}-{}/{of}", start + len - 1))
    }
}

/// Parses `x-amz-copy-source-range`: `bytes=first-last`, both required and inside the source.
pub(crate) fn copy_source_range(value: &str, size: u64) -> Result<Stretch, Error> {
    match Range::parse(value) {
        Ok(range @ Range::Int { last: Some(last), .. }) if last < size => Stretch::of_range(range, size),
        Ok(Range::Int { last: Some(_), .. }) => Err(Error::InvalidRange { size }),
        _ => Err(Error::InvalidArgument("x-amz-copy-source-range must be bytes=first-last".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(range: &str, size: u64) -> Option<(u64, u64)> {
        Stretch::of_range(Range::parse(range).unwrap(), size).ok().map(|cut| (cut.start, cut.len))
    }

    #[test]
    fn ranges_are_cut_to_the_object() {
        assert_eq!(cut("bytes=0-0", 10), Some((0, 1)));
        assert_eq!(cut("bytes=2-5", 10), Some((2, 4)));
        assert_eq!(cut("bytes=2-99", 10), Some((2, 8)));
        assert_eq!(cut("bytes=9-", 10), Some((9, 1)));
        assert_eq!(cut("bytes=-3", 10), Some((7, 3)));
        assert_eq!(cut("bytes=-99", 10), Some((0, 10)));
        assert_eq!(cut("bytes=10-", 10), None);
        assert_eq!(cut("bytes=-0", 10), None);
        assert_eq!(cut("bytes=0-", 0), None);
        assert_eq!(cut("bytes=-1", 0), None);
    }

    #[test]
    fn a_copy_range_has_both_ends_inside_the_source() {
        assert_eq!(copy_source_range("bytes=0-9", 10).unwrap().len, 10);
        assert!(copy_source_range("bytes=0-10", 10).is_err());
        assert!(copy_source_range("bytes=5-", 10).is_err());
        assert!(copy_source_range("0-5", 10).is_err());
    }

    proptest! {
        #[test]
        fn a_cut_never_leaves_the_object(first: u64, last: Option<u64>, size: u64) {
            if let Ok(cut) = Stretch::of_range(Range::Int { first, last }, size) {
                prop_assert!(cut.len > 0 && cut.start.checked_add(cut.len).unwrap() <= size);
            }
        }
    }
}
