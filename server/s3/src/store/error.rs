//! Interprets the errors of stores, in one place.
//!
//! Stores differ in their codes, so the status decides where a code is not known.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use partway_shared::error::{ErrorCode, Problem};

use super::retry::retry_after;
use crate::error_chain::describe;

/// Why a call to the store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The upload was completed, aborted, or never existed.
    #[error("the store knows no such upload")]
    NoSuchUpload,
    /// A part is missing, or its ETag differs from the request's.
    #[error("the store refused the parts: {0}")]
    InvalidPart(String),
    /// The object's checksum differs from the request's.
    #[error("the store refused the checksum: {0}")]
    ChecksumMismatch(String),
    /// An object exists already, and must not be replaced.
    #[error("an object with this key exists already")]
    Exists,
    /// The object has changed since it was looked at.
    #[error("the object has changed meanwhile")]
    Changed,
    /// The bucket is in another region than the one that the request was signed for.
    #[error("the bucket is in the region {0}")]
    OtherRegion(String),
    /// The store refuses the credentials or the operation.
    #[error("the store refused: {0}")]
    Denied(String),
    /// The store has no space left.
    #[error("the store is full: {0}")]
    Full(String),
    /// The store cannot be reached, is busy, or failed.
    #[error("the store failed: {said}")]
    Unavailable {
        /// The store's error, or why there is none.
        said: String,
        /// The seconds after which the store may be asked again, if it says so.
        retry_after: Option<u64>,
    },
    /// The store's answer makes no sense.
    #[error("the store misbehaved: {0}")]
    Misbehaved(String),
}

impl<E: ProvideErrorMetadata + std::error::Error + 'static> From<SdkError<E, HttpResponse>> for StoreError {
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let Some(response) = error.raw_response() else {
            return match &error {
                SdkError::TimeoutError(_) => Self::unavailable("no answer in time"),
                SdkError::ConstructionFailure(_) => Self::Denied(describe(&error)),
                _ => Self::unavailable(describe(&error)),
            };
        };
        if let Some(region) = region_of(response) {
            return Self::OtherRegion(region);
        }
        let status = response.status().as_u16();
        let code = error.code().unwrap_or_default().to_owned();
        let said = format!("{status} {code} {}", error.message().unwrap_or_default()).trim_end().to_owned();
        let unavailable = |said| {
            let retry_after = response.headers().get("retry-after").and_then(retry_after);
            Self::Unavailable { said, retry_after }
        };
        match (code.as_str(), status) {
            // Ceph's gateway answers ListParts with the latter. Of all calls only reading is about an object, which is
            // gone with its upload then.
            ("NoSuchUpload" | "NoSuchKey" | "NoSuchVersion", _) => Self::NoSuchUpload,
            ("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall", _) => Self::InvalidPart(said),
            ("BadDigest" | "InvalidDigest" | "XAmzContentChecksumMismatch", _) => {
                Self::ChecksumMismatch(said)
            }
            ("PreconditionFailed", _) | (_, 412) => Self::Exists,
            (_, 507) => Self::Full(said),
            (_, 401 | 403) => Self::Denied(said),
            ("NoSuchBucket", _) => Self::Denied(said),
            // A store that does not know an operation will not learn it either.
            (_, 501) => Self::Misbehaved(said),
            // A completion or a copy that takes long is answered with 200 first, and with how it went when that is known.
            ("InternalError" | "SlowDown" | "ServiceUnavailable" | "RequestTimeout", _) => unavailable(said),
            // A success that cannot be read may have been one.
            (_, 200..=299 | 408 | 409 | 429 | 500..) => unavailable(said),
            _ => Self::Misbehaved(said),
        }
    }
}

/// Returns the region to which a store sends a request on that was signed for another.
pub(super) fn region_of(response: &HttpResponse) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 307 | 400) {
        return None;
    }
    let in_header = response.headers().get("x-amz-bucket-region").map(str::to_owned);
    // AWS says it in both places, others in the body alone.
    let in_body = || {
        let body = std::str::from_utf8(response.body().bytes()?).ok()?;
        let is_of_region =
            ["AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"]
                .iter()
                .any(|code| body.contains(&format!("<Code>{code}</Code>")));
        let (_, after) = body.split_once("<Region>").filter(|_| is_of_region)?;
        Some(after.split_once("</Region>")?.0.to_owned())
    };
    in_header.or_else(in_body).filter(|region| {
        !region.is_empty() && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

impl StoreError {
    /// Creates an error for a missing answer, or one that says nothing.
    pub(crate) fn unavailable(said: impl Into<String>) -> Self {
        Self::Unavailable { said: said.into(), retry_after: None }
    }

    /// Returns a stable name of the error, for metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoSuchUpload => "no_such_upload",
            Self::InvalidPart(_) => "invalid_part",
            Self::ChecksumMismatch(_) => "checksum_mismatch",
            Self::Exists => "exists",
            Self::Changed => "changed",
            Self::OtherRegion(_) => "other_region",
            Self::Denied(_) => "denied",
            Self::Full(_) => "full",
            Self::Unavailable { .. } => "unavailable",
            Self::Misbehaved(_) => "misbehaved",
        }
    }
}

impl From<StoreError> for Problem {
    /// Converts the error to what the client is told. The store's own words stay in the log, except where they help.
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::NoSuchUpload => {
                Self::new(ErrorCode::UploadGone, "the upload was aborted, or it expired")
            }
            StoreError::InvalidPart(_) => Self::new(ErrorCode::PartMismatch, text),
            StoreError::ChecksumMismatch(_) => Self::new(ErrorCode::ChecksumMismatch, text),
            StoreError::Exists => Self::new(
                ErrorCode::ObjectExists,
                "a file of that name exists already; choose another name, or remove it first",
            ),
            StoreError::Changed => {
                Self::new(ErrorCode::PartMismatch, "the stored file changed while it was being completed")
            }
            StoreError::OtherRegion(_) => Self::new(
                ErrorCode::StoreDenied,
                "the bucket is in another region than the server's settings say; its log has the region",
            ),
            StoreError::Denied(_) => Self::new(
                ErrorCode::StoreDenied,
                "the server's credentials or the bucket's permissions do not suffice; its log has the reason",
            ),
            StoreError::Full(_) => Self::new(ErrorCode::StoreFull, "there is no space left for the file"),
            StoreError::Unavailable { retry_after, .. } => Self {
                retry_after,
                ..Self::new(ErrorCode::StoreUnavailable, "the store does not answer; try again in a moment")
            },
            StoreError::Misbehaved(_) => Self::new(
                ErrorCode::StoreMisbehaved,
                "the store's answer cannot be used; the server's log has it",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::list_parts::ListPartsError;
    use aws_smithy_runtime_api::http::StatusCode;

    use super::*;

    #[test]
    fn each_store_is_understood_in_its_own_words() {
        for (status, code, kind) in [
            (404, "NoSuchUpload", "no_such_upload"),
            // Of Ceph's gateway.
            (404, "NoSuchKey", "no_such_upload"),
            (404, "NoSuchVersion", "no_such_upload"),
            (404, "NoSuchBucket", "denied"),
            (404, "", "misbehaved"),
            (400, "InvalidPart", "invalid_part"),
            (400, "InvalidPartOrder", "invalid_part"),
            (400, "EntityTooSmall", "invalid_part"),
            (400, "BadDigest", "checksum_mismatch"),
            // Of Garage.
            (400, "InvalidDigest", "checksum_mismatch"),
            (400, "XAmzContentChecksumMismatch", "checksum_mismatch"),
            (412, "PreconditionFailed", "exists"),
            (412, "", "exists"),
            (401, "", "denied"),
            (403, "AccessDenied", "denied"),
            (403, "SignatureDoesNotMatch", "denied"),
            (408, "", "unavailable"),
            (409, "ConditionalRequestConflict", "unavailable"),
            // After a success that was none after all, or was not told to its end.
            (200, "InternalError", "unavailable"),
            (200, "SlowDown", "unavailable"),
            (200, "", "unavailable"),
            (200, "InvalidPart", "invalid_part"),
            (429, "", "unavailable"),
            (500, "InternalError", "unavailable"),
            (501, "NotImplemented", "misbehaved"),
            (503, "SlowDown", "unavailable"),
            (507, "InsufficientStorage", "full"),
            (400, "InvalidRequest", "misbehaved"),
        ] {
            let metadata = ErrorMetadata::builder().code(code).build();
            let response = HttpResponse::new(StatusCode::try_from(status).unwrap(), "".into());
            let error = SdkError::service_error(ListPartsError::generic(metadata), response);
            assert_eq!(StoreError::from(error).kind(), kind, "{status} {code}");
        }
    }

    #[test]
    fn the_bucket_says_where_it_is() {
        let answer = |status: u16, header: Option<&'static str>, body: &'static str| {
            let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), body.into());
            if let Some(region) = header {
                response.headers_mut().insert("x-amz-bucket-region", region);
            }
            region_of(&response)
        };
        let malformed = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>garage</Region></Error>";
        let eu = Some("eu-west-1".to_owned());
        assert_eq!(answer(301, Some("eu-west-1"), ""), eu);
        assert_eq!(answer(400, Some("eu-west-1"), ""), eu);
        assert_eq!(answer(400, None, malformed).as_deref(), Some("garage"));
        assert_eq!(answer(400, None, "<Error><Code>Other</Code><Region>eu</Region></Error>"), None);
        // It is where it was looked for.
        assert_eq!(answer(403, Some("eu-west-1"), ""), None);
        assert_eq!(answer(301, Some("a.evil/"), ""), None);
    }

    #[test]
    fn when_to_come_back_is_passed_on() {
        let mut response = HttpResponse::new(StatusCode::try_from(503).unwrap(), "".into());
        response.headers_mut().insert("retry-after", "17");
        let error =
            SdkError::service_error(ListPartsError::generic(ErrorMetadata::builder().build()), response);
        assert_eq!(Problem::from(StoreError::from(error)).retry_after, Some(17));
    }
}
