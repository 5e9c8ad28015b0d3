//! What the failure of a PUT means.

use crate::error::ErrorCode;
use crate::transfer::{Failure, TransferError, Verdict, may_pass, store_unreachable};

/// What the failure of a PUT to the store means for the part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PutVerdict {
    /// The signature was refused: expired, or the clock of the signer was off.
    Unauthorised { error: TransferError },
    /// The bytes arrived otherwise than they were signed: hash them anew.
    Altered { error: TransferError },
    /// There is such an object, which stays: it may be this one, sent before with its answer lost.
    Taken { error: TransferError },
    /// No answer came, either because the connection broke or because it was given up as late.
    Unanswered { error: TransferError, is_late: bool },
    /// As with any other work.
    Other(Verdict),
}

impl PutVerdict {
    /// Whether the store refused what was sent, and would again.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Unauthorised { .. } | Self::Altered { .. } | Self::Taken { .. })
    }
}

/// `is_copy` says that the store copies the part of an object that it has.
pub(super) fn judge_put(failure: Failure, is_copy: bool) -> PutVerdict {
    let (status, code, detail, retry_after) = match failure {
        Failure::NoAnswer => {
            return PutVerdict::Unanswered { error: store_unreachable(), is_late: false };
        }
        Failure::Source(failure) => return PutVerdict::Other(Verdict::Final(failure.into())),
        Failure::Unusable(detail) | Failure::Unidentified(detail) => {
            let error = TransferError::new(ErrorCode::PartRefused, detail);
            return PutVerdict::Other(Verdict::Retry { error, retry_after: None });
        }
        Failure::Status { status, code, detail, retry_after, .. } => (status, code, detail, retry_after),
    };
    let said = code.as_deref().unwrap_or("no code");
    let error = |code| TransferError {
        status: Some(status),
        ..TransferError::new(code, format!("{status} {said} {detail}").trim_end())
    };
    let of_the_object = match (status, code.as_deref()) {
        (403, Some("InvalidObjectState")) => Some(ErrorCode::ObjectArchived),
        (404, Some("NoSuchKey" | "NoSuchVersion")) => Some(ErrorCode::ObjectNotFound),
        (412, _) => Some(ErrorCode::ObjectChanged),
        _ => None,
    };
    if let Some(code) = of_the_object.filter(|_| is_copy) {
        return PutVerdict::Other(Verdict::Final(error(code)));
    }
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
