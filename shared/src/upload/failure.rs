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
    pub(super) fn is_too_large(&self) -> bool {
        let of_the_file = Some(ErrorCode::FileTooLarge.as_str());
        matches!(self, Self::Status { status: 413, code, .. } if code.as_deref() != of_the_file)
    }

    /// Whether the store asks for fewer requests.
    pub(super) fn asks_for_less(&self) -> bool {
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

/// Why an upload failed, for the user and for the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadError {
    /// The stable code.
    pub code: ErrorCode,
    /// What happened.
    pub detail: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The field that is to blame, if the server named one.
    pub field: Option<String>,
}

impl UploadError {
    pub(super) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), status: None, field: None }
    }

    /// Whether `retry` can help.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        self.code.spec().retryable
    }
}

impl fmt::Display for UploadError {
    /// Writes what happened, in one sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.spec().title, self.detail)
    }
}

impl std::error::Error for UploadError {}

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

impl From<SourceFailure> for UploadError {
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
pub(super) enum Verdict {
    /// Wait and try again, unless that was done often enough.
    Retry { error: UploadError, retry_after: Option<Duration> },
    /// Trying again cannot help.
    Final(UploadError),
}

/// What the failure of a call to Partway's server means.
pub(super) fn judge_call(failure: Failure) -> Verdict {
    match failure {
        Failure::NoAnswer => Verdict::Retry {
            error: UploadError::new(
                ErrorCode::ServerUnreachable,
                "it may be down, or its CORS does not allow this page",
            ),
            retry_after: None,
        },
        Failure::Unusable(detail) => {
            Verdict::Retry { error: UploadError::new(ErrorCode::ServerMisbehaved, detail), retry_after: None }
        }
        Failure::Source(failure) => Verdict::Final(failure.into()),
        Failure::Unidentified(detail) => Verdict::Retry {
            error: UploadError::new(ErrorCode::CredentialsUnavailable, detail),
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
            let error = UploadError { code, detail, status: Some(status), field };
            if retry { Verdict::Retry { error, retry_after } } else { Verdict::Final(error) }
        }
    }
}

/// What the failure of a PUT to the store means for the part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PutVerdict {
    /// The signature was refused: expired, or the clock of the signer was off.
    Unauthorised { error: UploadError },
    /// The bytes arrived otherwise than they were signed: hash them anew.
    Altered { error: UploadError },
    /// There is such an object, which stays: it may be this one, sent before with its answer lost.
    Taken { error: UploadError },
    /// No answer came, either because the connection broke or because it was given up as late.
    Unanswered { error: UploadError, is_late: bool },
    /// As with any other work.
    Other(Verdict),
}

impl PutVerdict {
    /// Whether the store refused what was sent, and would again.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Unauthorised { .. } | Self::Altered { .. } | Self::Taken { .. })
    }
}

pub(super) fn judge_put(failure: Failure) -> PutVerdict {
    let (status, code, detail, retry_after) = match failure {
        Failure::NoAnswer => {
            let error = UploadError::new(
                ErrorCode::StoreUnreachable,
                "it may be down, or its CORS does not allow this page",
            );
            return PutVerdict::Unanswered { error, is_late: false };
        }
        Failure::Source(failure) => return PutVerdict::Other(Verdict::Final(failure.into())),
        Failure::Unusable(detail) | Failure::Unidentified(detail) => {
            let error = UploadError::new(ErrorCode::PartRefused, detail);
            return PutVerdict::Other(Verdict::Retry { error, retry_after: None });
        }
        Failure::Status { status, code, detail, retry_after, .. } => (status, code, detail, retry_after),
    };
    let said = code.as_deref().unwrap_or("no code");
    let error = |code| UploadError {
        status: Some(status),
        ..UploadError::new(code, format!("{status} {said} {detail}").trim_end())
    };
    match (status, code.as_deref()) {
        (403, _) => PutVerdict::Unauthorised { error: error(ErrorCode::PartRefused) },
        (400, Some("RequestTimeout")) => {
            PutVerdict::Other(Verdict::Retry { error: error(ErrorCode::PartRefused), retry_after })
        }
        (400, _) => PutVerdict::Altered { error: error(ErrorCode::PartRefused) },
        (404, _) => PutVerdict::Other(Verdict::Final(error(ErrorCode::UploadGone))),
        // Another request to the same key was under way (`ConditionalRequestConflict`): what came of it shows the next time.
        (409, _) => PutVerdict::Other(Verdict::Retry { error: error(ErrorCode::PartRefused), retry_after }),
        (412, _) => PutVerdict::Taken { error: error(ErrorCode::ObjectExists) },
        (507, _) => PutVerdict::Other(Verdict::Retry { error: error(ErrorCode::StoreFull), retry_after }),
        (429 | 503, _) => {
            PutVerdict::Other(Verdict::Retry { error: error(ErrorCode::StoreUnavailable), retry_after })
        }
        _ if may_pass(status) => {
            PutVerdict::Other(Verdict::Retry { error: error(ErrorCode::PartRefused), retry_after })
        }
        _ => PutVerdict::Other(Verdict::Final(error(ErrorCode::PartRefused))),
    }
}

/// Whether the same request can fare better later.
const fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}
