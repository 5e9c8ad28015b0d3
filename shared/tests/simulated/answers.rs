//! Refusals, by Partway's server and by the store.

use std::time::Duration;

use partway_shared::error::ErrorCode;
use partway_shared::transfer::Failure;

/// The server's refusal with this code.
pub(crate) fn problem(code: ErrorCode) -> Failure {
    let spec = code.spec();
    Failure::Status {
        status: spec.status.expect("a server's code"),
        code: Some(spec.code.to_owned()),
        detail: spec.title.to_owned(),
        field: None,
        retry_after: None,
    }
}

/// The store's refusal with this status and this code of S3's.
pub(crate) fn refusal(status: u16, code: &str) -> Failure {
    Failure::Status {
        status,
        code: Some(code.to_owned()),
        detail: String::new(),
        field: None,
        retry_after: (status == 503).then_some(Duration::from_secs(1)),
    }
}
