//! Owns the errors of requests, and which S3 error each is. Never knows requests.

use std::io;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use s3s::{S3Error, S3ErrorCode};

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the bucket does not exist")]
    NoSuchBucket,
    #[error("the bucket still holds objects")]
    BucketNotEmpty,
    #[error("the key does not exist")]
    NoSuchKey,
    #[error("the upload does not exist: it has ended, or belongs to another bucket or key")]
    NoSuchUpload,
    #[error("part {0} was not uploaded, or its ETag or checksum is another one")]
    InvalidPart(i32),
    #[error("the parts are not in ascending order")]
    InvalidPartOrder,
    #[error("part {number} has {size} bytes; each part but the last needs 5 MiB")]
    EntityTooSmall { number: u16, size: u64 },
    #[error("the body is larger than 5 GiB")]
    EntityTooLarge,
    #[error("the precondition {0} does not hold")]
    PreconditionFailed(&'static str),
    #[error("not modified")]
    NotModified { etag: String },
    #[error("the {0} that was sent does not match the bytes that arrived")]
    BadDigest(&'static str),
    #[error("Content-MD5 is not the base64 of 16 bytes")]
    InvalidDigest,
    #[error("{0}")]
    InvalidRequest(String),
    #[error("{0}")]
    InvalidArgument(String),
    #[error("the range lies outside the object's {size} bytes")]
    InvalidRange { size: u64 },
    #[error("the body ended before, or went on after, its declared length")]
    IncompleteBody,
    #[error("the request needs a Content-Length")]
    MissingContentLength,
    #[error("the key is longer than 1,024 bytes")]
    KeyTooLong,
    #[error("{0}")]
    NotImplemented(String),
    #[error("user-defined metadata may have 2,048 bytes in all, names and values; these have {0}")]
    MetadataTooLarge(usize),
    #[error("Object tags cannot be greater than 10")]
    TooManyTags,
    #[error("{0}")]
    InvalidTag(&'static str),
    #[error("The storage class you specified is not valid")]
    InvalidStorageClass,
    #[error("The encryption method specified is not supported; AES256 is")]
    InvalidEncryption,
    #[error("The bucket does not allow ACLs")]
    AclNotSupported,
    #[error("Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")]
    BucketAcl,
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    ContentSha256Mismatch,
    #[error("nothing came of the request's body for too long")]
    Stalled,
    #[error("{0}")]
    MalformedXml(String),
    #[error("the version does not exist; objects here have one each, called null")]
    NoSuchVersion,
    #[error("the source was replaced meanwhile; try again")]
    Conflict,
    #[error("the request's XML is longer than 4 MiB")]
    XmlTooLong,
    #[error("the bucket exists, and is yours")]
    BucketAlreadyOwnedByYou,
    #[error("the location constraint {0:?} is not this store's region")]
    IllegalLocation(String),
    /// The requested setting is not set, for which S3 has a code.
    #[error("{what} is not set")]
    NotSet { code: &'static str, what: &'static str },
    #[error("the store is full: no room for these bytes")]
    Full,
    /// A fault of the store or the machine. The cause is for the log, never for the client.
    #[error("the store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Wraps a fault of the machine.
    pub(crate) fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// Returns whether the request was refused for its content, so that other changes in the same transaction can go
    /// on.
    pub(crate) fn is_refusal(&self) -> bool {
        !matches!(self, Self::Full | Self::Internal(_))
    }

    fn code(&self) -> S3ErrorCode {
        match self {
            Self::NoSuchBucket => S3ErrorCode::NoSuchBucket,
            Self::BucketNotEmpty => S3ErrorCode::BucketNotEmpty,
            Self::NoSuchKey => S3ErrorCode::NoSuchKey,
            Self::NoSuchUpload => S3ErrorCode::NoSuchUpload,
            Self::InvalidPart(_) => S3ErrorCode::InvalidPart,
            Self::InvalidPartOrder => S3ErrorCode::InvalidPartOrder,
            Self::EntityTooSmall { .. } => S3ErrorCode::EntityTooSmall,
            Self::EntityTooLarge => S3ErrorCode::EntityTooLarge,
            Self::PreconditionFailed(_) => S3ErrorCode::PreconditionFailed,
            Self::NotModified { .. } => S3ErrorCode::NotModified,
            Self::BadDigest(_) => S3ErrorCode::BadDigest,
            Self::InvalidDigest => S3ErrorCode::InvalidDigest,
            Self::InvalidRequest(_) => S3ErrorCode::InvalidRequest,
            Self::InvalidArgument(_) => S3ErrorCode::InvalidArgument,
            Self::InvalidRange { .. } => S3ErrorCode::InvalidRange,
            Self::IncompleteBody => S3ErrorCode::IncompleteBody,
            Self::MissingContentLength => S3ErrorCode::MissingContentLength,
            Self::KeyTooLong => S3ErrorCode::KeyTooLongError,
            Self::NotImplemented(_) => S3ErrorCode::NotImplemented,
            Self::MetadataTooLarge(_) => S3ErrorCode::MetadataTooLarge,
            Self::TooManyTags => S3ErrorCode::Custom("BadRequest".into()),
            Self::InvalidTag(_) => S3ErrorCode::InvalidTag,
            Self::InvalidStorageClass => S3ErrorCode::InvalidStorageClass,
            Self::InvalidEncryption => S3ErrorCode::InvalidEncryptionAlgorithmError,
            Self::AclNotSupported => S3ErrorCode::AccessControlListNotSupported,
            Self::BucketAcl => S3ErrorCode::InvalidBucketAclWithObjectOwnership,
            Self::ContentSha256Mismatch => S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            Self::Stalled => S3ErrorCode::RequestTimeout,
            Self::MalformedXml(_) => S3ErrorCode::MalformedXML,
            Self::NoSuchVersion => S3ErrorCode::NoSuchVersion,
            Self::Conflict => S3ErrorCode::OperationAborted,
            Self::XmlTooLong => S3ErrorCode::MaxMessageLengthExceeded,
            Self::BucketAlreadyOwnedByYou => S3ErrorCode::BucketAlreadyOwnedByYou,
            Self::IllegalLocation(_) => S3ErrorCode::IllegalLocationConstraintException,
            Self::NotSet { code, .. } => S3ErrorCode::Custom((*code).into()),
            Self::Full => S3ErrorCode::Custom("InsufficientStorage".into()),
            Self::Internal(_) => S3ErrorCode::InternalError,
        }
    }
}

impl From<Error> for S3Error {
    fn from(error: Error) -> Self {
        let mut answer = Self::with_message(error.code(), error.to_string());
        match error {
            Error::Full => answer.set_status_code(StatusCode::INSUFFICIENT_STORAGE),
            Error::TooManyTags | Error::ContentSha256Mismatch => {
                answer.set_status_code(StatusCode::BAD_REQUEST);
            }
            Error::NotSet { .. } => answer.set_status_code(StatusCode::NOT_FOUND),
            Error::NotModified { etag } => {
                answer.set_headers(one_header(header::ETAG, &format!("\"{etag}\"")));
            }
            Error::InvalidRange { size } => {
                answer.set_headers(one_header(header::CONTENT_RANGE, &format!("bytes */{size}")));
            }
            Error::Internal(cause) => {
                tracing::error!(error = %cause, "the embedded store failed");
                answer.set_source(cause);
            }
            _ => {}
        }
        answer
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::internal(error),
        }
    }
}

impl From<redb::StorageError> for Error {
    fn from(error: redb::StorageError) -> Self {
        match error {
            redb::StorageError::Io(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<redb::TableError> for Error {
    fn from(error: redb::TableError) -> Self {
        match error {
            redb::TableError::Storage(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<redb::TransactionError> for Error {
    fn from(error: redb::TransactionError) -> Self {
        match error {
            redb::TransactionError::Storage(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<redb::CommitError> for Error {
    fn from(error: redb::CommitError) -> Self {
        match error {
            redb::CommitError::Storage(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<postcard::Error> for Error {
    fn from(error: postcard::Error) -> Self {
        Self::internal(error)
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::internal(error)
    }
}

fn one_header(name: header::HeaderName, value: &str) -> HeaderMap {
    HeaderValue::from_str(value).map(|value| HeaderMap::from_iter([(name, value)])).unwrap_or_default()
}

/// A body whose sender stalled for too long.
#[derive(Debug, thiserror::Error)]
#[error("the body stalled")]
pub(crate) struct Stalled;
