//! Calls to Partway's server: how each is made, and what its answer means.

use std::time::Duration;

use partway_shared::error::Problem;
use partway_shared::upload::{ControlCall, ControlReply, Failure, SourceFailure};

use crate::json::{Json, Raw};
use crate::replies::Reply;

/// A request that the host is to make: a POST.
pub(crate) struct Request {
    /// Below the endpoint.
    pub(crate) path: &'static str,
    pub(crate) body: Raw,
    pub(crate) expected: Expected,
}

/// Which answer a request gets if all is well.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    Created,
    Signed,
    Listed,
    Completed,
    Aborted,
}

impl Request {
    pub(crate) fn of(call: &ControlCall) -> Self {
        let (path, body, expected) = match call {
            ControlCall::Create(request) => ("/v1/uploads", Raw::of(request), Expected::Created),
            ControlCall::Sign(request) => ("/v1/uploads/sign", Raw::of(request), Expected::Signed),
            ControlCall::List(request) => ("/v1/uploads/list", Raw::of(request), Expected::Listed),
            ControlCall::Complete(request) => ("/v1/uploads/complete", Raw::of(request), Expected::Completed),
            ControlCall::Abort(request) => ("/v1/uploads/abort", Raw::of(request), Expected::Aborted),
        };
        Self { path, body, expected }
    }
}

/// What came of a request: `{ status, body, retryAfter }`, or `{ failure, detail }`.
pub(crate) fn reply(expected: Expected, outcome: Json<'_>) -> Result<ControlReply, Failure> {
    read(outcome, |body| match expected {
        Expected::Created => Reply::read(body).map(ControlReply::Created),
        Expected::Signed => Reply::read(body).map(ControlReply::Signed),
        Expected::Listed => Reply::read(body).map(ControlReply::Listed),
        Expected::Completed => Reply::read(body).map(ControlReply::Completed),
        Expected::Aborted => Some(ControlReply::Aborted),
    })
}

/// The same for any answer, as whoever asked for it reads it.
pub(crate) fn read<T>(outcome: Json<'_>, read: impl FnOnce(Json<'_>) -> Option<T>) -> Result<T, Failure> {
    let status = status(outcome)?;
    let text = outcome.text("body").unwrap_or_default();
    let body = Json::new(&text);
    if !(200..300).contains(&status) {
        return Err(refusal(status, body, retry_after(outcome)));
    }
    read(body).ok_or_else(|| {
        let what = if text.trim_ascii_start().starts_with('<') {
            "a page of HTML came back, perhaps from a proxy"
        } else {
            "the answer is not what was expected"
        };
        Failure::Unusable([what, "; is the endpoint the address of a Partway server?"].concat())
    })
}

/// The status of an answer; what it means that there is none.
pub(crate) fn status(outcome: Json<'_>) -> Result<u16, Failure> {
    let detail = || outcome.text("detail").unwrap_or_default();
    Err(match outcome.text("failure").as_deref() {
        None => match outcome.number("status").and_then(|status| u16::try_from(status).ok()) {
            Some(status) => return Ok(status),
            None => Failure::Unusable("it has no status".to_owned()),
        },
        Some("unidentified") => Failure::Unidentified(detail()),
        Some("unusable") => Failure::Unusable(detail()),
        Some("none") => Failure::NoAnswer,
        Some(of_the_file) => Failure::Source(source_failure(of_the_file)),
    })
}

/// Why a file cannot be read.
pub(crate) fn source_failure(name: &str) -> SourceFailure {
    if name == "changed" { SourceFailure::Changed } else { SourceFailure::Unreadable }
}

pub(crate) fn retry_after(outcome: Json<'_>) -> Option<Duration> {
    outcome.number("retryAfter").map(Duration::from_secs)
}

/// The server's own problem, or somebody else's status.
fn refusal(status: u16, body: Json<'_>, retry_after: Option<Duration>) -> Failure {
    // A page of another origin sees the header only where CORS exposes it.
    match Problem::read(body).map(Failure::from) {
        Some(Failure::Status { code, detail, field, retry_after: said, .. }) => {
            Failure::Status { status, code, detail, field, retry_after: retry_after.max(said) }
        }
        _ => Failure::Status { status, code: None, detail: String::new(), field: None, retry_after },
    }
}
