//! What can go wrong with a piece of work, and what that means.

use std::fmt;
use std::time::Duration;

use crate::error::{ErrorCode, Problem};

/// How a piece of work failed, as the driver saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer came: refused, reset, timed out, or hidden by CORS.
    NoAnswer,
    /// An answer other than 2xx.
    Status {
        /// The HTTP status.
        status: u16,
        /// Partway's code, or S3's (`SlowDown`), if the body could be read.
        code: Option<String>,
        /// What the body says, if it could be read.
        detail: String,
        /// The field that is to blame, if the body names one.
        field: Option<String>,
        /// When it may be tried again, by `Retry-After` or by the problem itself.
        retry_after: Option<Duration>,
    },
    /// A 2xx whose body is not what was expected, such as a proxy's page.
    Unusable(String),
    /// The file itself.
    Source(SourceFailure),
    /// Nothing was sent: the page's function for credentials returned none, and why.
    Unidentified(String),
}

impl Failure {
    /// Whether the request was larger than the server, or a proxy before it, takes: half of it may pass.
    pub(crate) fn is_too_large(&self) -> bool {
        let of_the_file = Some(ErrorCode::FileTooLarge.as_str());
        matches!(self, Self::Status { status: 413, code, .. } if code.as_deref() != of_the_file)
    }

    /// Whether the store asks for fewer requests.
    pub(crate) fn asks_for_less(&self) -> bool {
        match self {
            Self::Status { status: 429 | 503, .. } => true,
            Self::Status { code, .. } => matches!(code.as_deref(), Some("SlowDown" | "TooManyRequests")),
            _ => false,
        }
    }
}

/// Why a file's bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceFailure {
    /// It changed or vanished since it was chosen.
    Changed,
    /// It never could be: a folder, or no permission.
    Unreadable,
}

/// Why an upload or a download failed, for the user and for the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferError {
    /// The stable code.
    pub code: ErrorCode,
    /// What happened.
    pub detail: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The field that is to blame, if the server named one.
    pub field: Option<String>,
}

impl TransferError {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), status: None, field: None }
    }

    /// Whether `retry` can help.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        self.code.spec().retryable
    }
}

impl fmt::Display for TransferError {
    /// Writes what happened, in one sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.spec().title, self.detail)
    }
}

impl std::error::Error for TransferError {}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Status {
            status: problem.status,
            code: Some(problem.code.as_str().to_owned()),
            detail: problem.detail,
            field: problem.field,
            retry_after: problem.retry_after.map(Duration::from_secs),
        }
    }
}

impl From<SourceFailure> for TransferError {
    fn from(failure: SourceFailure) -> Self {
        match failure {
            SourceFailure::Changed => {
                Self::new(ErrorCode::FileChanged, "choose the file again to upload it as it is now")
            }
            SourceFailure::Unreadable => {
                Self::new(ErrorCode::FileUnreadable, "it may be a folder, or reading it is not permitted")
            }
        }
    }
}

/// What a failure means for the work that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Wait and try again, unless that was done often enough.
    Retry { error: TransferError, retry_after: Option<Duration> },
    /// Trying again cannot help.
    Final(TransferError),
}

/// What the failure of a call to Partway's server means.
pub(crate) fn judge_call(failure: Failure) -> Verdict {
    match failure {
        Failure::NoAnswer => Verdict::Retry {
            error: TransferError::new(
                ErrorCode::ServerUnreachable,
                "it may be down, or its CORS does not allow this page",
            ),
            retry_after: None,
        },
        Failure::Unusable(detail) => Verdict::Retry {
            error: TransferError::new(ErrorCode::ServerMisbehaved, detail),
            retry_after: None,
        },
        Failure::Source(failure) => Verdict::Final(failure.into()),
        Failure::Unidentified(detail) => Verdict::Retry {
            error: TransferError::new(ErrorCode::CredentialsUnavailable, detail),
            retry_after: None,
        },
        Failure::Status { status, code, detail, field, retry_after } => {
            let ours = code.and_then(|code| code.parse::<ErrorCode>().ok());
            let retry = match ours {
                Some(code) => code.spec().retryable,
                None => may_pass(status),
            };
            let code = ours.unwrap_or(if status == 429 {
                ErrorCode::TooManyRequests
            } else {
                ErrorCode::ServerMisbehaved
            });
            let detail = if detail.is_empty() { format!("HTTP status {status}") } else { detail };
            let error = TransferError { code, detail, status: Some(status), field };
            if retry { Verdict::Retry { error, retry_after } } else { Verdict::Final(error) }
        }
    }
}

/// Why a store that does not answer a browser may not.
pub(crate) fn store_unreachable() -> TransferError {
    TransferError::new(ErrorCode::StoreUnreachable, "it may be down, or its CORS does not allow this page")
}

/// Why an answer without an ETag is of no use.
pub(crate) fn etag_hidden() -> TransferError {
    let detail = "the store's answer has no ETag that a page may read: add ETag to the ExposeHeaders of the bucket's CORS rules";
    TransferError::new(ErrorCode::StoreEtagHidden, detail)
}

/// Why a request that stood still was given up.
pub(crate) fn stalled(timeout: Duration) -> TransferError {
    let seconds = timeout.as_secs();
    TransferError::new(ErrorCode::Stalled, format!("no byte moved for more than {seconds} s"))
}

/// Whether the same request can fare better later.
pub(crate) const fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}
