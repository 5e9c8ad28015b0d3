//! What the failure of a GET means.

use crate::error::ErrorCode;
use crate::transfer::{Failure, TransferError, Verdict, may_pass, store_unreachable};

/// What the failure of a GET means for its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GetVerdict {
    /// The signature was refused: expired, or the clock of the signer was off.
    Unauthorised { error: TransferError },
    /// The object is another one than it was.
    Changed { error: TransferError },
    /// No answer came, or it was cut, or it stood still.
    Unanswered { error: TransferError, is_late: bool },
    /// As with any other work.
    Other(Verdict),
}

/// The object is another one than it was.
pub(super) fn changed(detail: impl Into<String>) -> GetVerdict {
    GetVerdict::Changed { error: TransferError::new(ErrorCode::ObjectChanged, detail) }
}

pub(super) fn judge_get(failure: Failure) -> GetVerdict {
    let (status, code, detail, retry_after) = match failure {
        Failure::NoAnswer => return GetVerdict::Unanswered { error: store_unreachable(), is_late: false },
        Failure::Source(failure) => return GetVerdict::Other(Verdict::Final(failure.into())),
        Failure::Unusable(detail) | Failure::Unidentified(detail) => {
            let error = TransferError::new(ErrorCode::DownloadRefused, detail);
            return GetVerdict::Other(Verdict::Retry { error, retry_after: None });
        }
        Failure::Status { status, code, detail, retry_after, .. } => (status, code, detail, retry_after),
    };
    let said = code.as_deref().unwrap_or("no code");
    let error = |code| TransferError {
        status: Some(status),
        ..TransferError::new(code, format!("{status} {said} {detail}").trim_end())
    };
    let retry = |code| GetVerdict::Other(Verdict::Retry { error: error(code), retry_after });
    match (status, code.as_deref()) {
        (_, Some("InvalidObjectState")) => GetVerdict::Other(Verdict::Final(TransferError {
            status: Some(status),
            ..TransferError::new(
                ErrorCode::ObjectArchived,
                "have it restored (S3's RestoreObject), which takes minutes to hours, and download it then",
            )
        })),
        (403, _) | (400, Some("ExpiredToken" | "TokenRefreshRequired" | "InvalidToken")) => {
            GetVerdict::Unauthorised { error: error(ErrorCode::DownloadRefused) }
        }
        (400, Some("RequestTimeout")) => retry(ErrorCode::DownloadRefused),
        (404, _) => GetVerdict::Other(Verdict::Final(error(ErrorCode::ObjectNotFound))),
        (412 | 416, _) => GetVerdict::Changed { error: error(ErrorCode::ObjectChanged) },
        (429 | 503, _) => retry(ErrorCode::StoreUnavailable),
        _ if may_pass(status) => retry(ErrorCode::DownloadRefused),
        _ => GetVerdict::Other(Verdict::Final(error(ErrorCode::DownloadRefused))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, code: &str) -> GetVerdict {
        let code = Some(code.to_owned()).filter(|code| !code.is_empty());
        judge_get(Failure::Status { status, code, detail: String::new(), field: None, retry_after: None })
    }

    #[test]
    fn what_the_store_says_is_understood() {
        use ErrorCode::{DownloadRefused, ObjectArchived, ObjectChanged, ObjectNotFound, StoreUnavailable};
        let ends = |status, code| match judged(status, code) {
            GetVerdict::Other(Verdict::Final(error)) => error.code,
            other => panic!("{status} {code}: {other:?}"),
        };
        assert_eq!(ends(403, "InvalidObjectState"), ObjectArchived);
        assert_eq!(ends(404, "NoSuchKey"), ObjectNotFound);
        assert_eq!(ends(400, "InvalidArgument"), DownloadRefused);
        assert_eq!(ends(405, ""), DownloadRefused);
        for (status, code, expected) in [
            (503, "SlowDown", StoreUnavailable),
            (429, "", StoreUnavailable),
            (500, "InternalError", DownloadRefused),
            (400, "RequestTimeout", DownloadRefused),
        ] {
            match judged(status, code) {
                GetVerdict::Other(Verdict::Retry { error, .. }) => assert_eq!(error.code, expected),
                other => panic!("{status} {code}: {other:?}"),
            }
        }
        for (status, code) in [(403, "AccessDenied"), (403, ""), (400, "ExpiredToken")] {
            assert!(matches!(judged(status, code), GetVerdict::Unauthorised { .. }), "{status} {code}");
        }
        for (status, code) in [(412, "PreconditionFailed"), (416, "InvalidRange")] {
            let GetVerdict::Changed { error } = judged(status, code) else { panic!("{status} {code}") };
            assert_eq!(error.code, ObjectChanged);
        }
    }
}
