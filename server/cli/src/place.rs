//! Where something is: a path, a pipe, an object by its bucket or by its destination.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What an argument such as `pw:photos/a.jpg` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file or a folder of this machine.
    Path(PathBuf),
    /// Standard input or standard output: `-`.
    Pipe,
    /// An object, or what a prefix begins, of a bucket that this command has credentials for: `s3://bucket/key`.
    Bucket {
        /// The bucket.
        bucket: String,
        /// The key or prefix; empty for all of it.
        key: String,
    },
    /// The same at a destination of a Partway server: `pw:destination/key`.
    Destination {
        /// The destination; none is the server's default.
        destination: Option<String>,
        /// The key or prefix; empty for all of it.
        key: String,
    },
}

/// Why an argument names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPlace {
    /// `s3://` alone.
    #[error("{0}: a bucket is missing; write s3://bucket/key")]
    NoBucket(String),
    /// Another scheme.
    #[error("{0}: places begin with s3:// or pw:, or are paths; put ./ before a path with a colon")]
    Scheme(String),
    /// Nothing at all.
    #[error("an empty argument names no place; a folder is ., and standard input or output is -")]
    Empty,
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        if text.is_empty() {
            return Err(NoPlace::Empty);
        }
        if text == "-" {
            return Ok(Self::Pipe);
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(NoPlace::NoBucket(text.to_owned()));
            }
            return Ok(Self::Bucket { bucket: bucket.to_owned(), key: key.to_owned() });
        }
        if let Some(rest) = text.strip_prefix("pw:") {
            let (destination, key) = rest.split_once('/').unwrap_or((rest, ""));
            let destination = (!destination.is_empty()).then(|| destination.to_owned());
            return Ok(Self::Destination { destination, key: key.to_owned() });
        }
        match text.split_once("://") {
            Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                Err(NoPlace::Scheme(text.to_owned()))
            }
            _ => Ok(Self::Path(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Pipe => f.write_str("-"),
            Self::Bucket { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Self::Destination { destination, key } => {
                write!(f, "pw:{}/{key}", destination.as_deref().unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_as_they_are_written() {
        let object = |text: &str| text.parse::<Place>().unwrap().to_string();
        for text in ["a.txt", "./s3:/x", "-", "s3://b/a/b c.txt", "s3://b/", "pw:photos/a", "pw:/a"] {
            assert_eq!(object(text), text);
        }
        assert_eq!(object("s3://b"), "s3://b/");
        assert_eq!(object("pw:photos"), "pw:photos/");
        assert_eq!("s3:///a".parse::<Place>(), Err(NoPlace::NoBucket("s3:///a".to_owned())));
        assert_eq!("gs://b/a".parse::<Place>(), Err(NoPlace::Scheme("gs://b/a".to_owned())));
        assert_eq!("".parse::<Place>(), Err(NoPlace::Empty));
    }
}
