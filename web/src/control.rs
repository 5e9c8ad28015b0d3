//! Calls to Partway's server: how each is made, and what its answer means.

use std::time::Duration;

use partway_shared::error::Problem;
use partway_shared::upload::{ControlCall, ControlReply, Failure, SourceFailure};

use crate::json::{Json, Raw};
use crate::replies::Reply;

/// A request that the host is to make.
pub(crate) struct Request {
    pub(crate) method: &'static str,
    /// Below the endpoint.
    pub(crate) path: String,
    pub(crate) body: Option<Raw>,
    pub(crate) expected: Expected,
}

/// Which answer a request gets if all is well.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    Created,
    Signed,
    Listed,
    Completed,
    CompletedMany,
    Aborted,
}

impl Request {
    pub(crate) fn of(call: &ControlCall) -> Self {
        let (path, body, expected) = match call {
            ControlCall::Create(request) => (path("", ""), Some(Raw::of(request)), Expected::Created),
            ControlCall::Sign { token, request } => {
                (path(token, "/parts"), Some(Raw::of(request)), Expected::Signed)
            }
            ControlCall::List { token } => (path(token, "/parts"), None, Expected::Listed),
            ControlCall::Complete { token, request } => {
                (path(token, "/complete"), Some(Raw::of(request)), Expected::Completed)
            }
            ControlCall::CompleteMany(request) => {
                (path("complete", ""), Some(Raw::of(request)), Expected::CompletedMany)
            }
            ControlCall::Abort { token } => (path(token, ""), None, Expected::Aborted),
        };
        let method = match expected {
            Expected::Listed => "GET",
            Expected::Aborted => "DELETE",
            _ => "POST",
        };
        Self { method, path, body, expected }
    }
}

/// Where an upload is on the server.
pub(crate) fn path(token: &str, below: &str) -> String {
    let slash = if token.is_empty() { "" } else { "/" };
    ["/v1/uploads", slash, token, below].concat()
}

/// What came of a request: `{ status, body, retryAfter }`, or `{ failure, detail }`.
pub(crate) fn reply(expected: Expected, outcome: Json<'_>) -> Result<ControlReply, Failure> {
    let status = status(outcome)?;
    let text = outcome.text("body").unwrap_or_default();
    let body = Json::new(&text);
    if !(200..300).contains(&status) {
        return Err(refusal(status, body, retry_after(outcome)));
    }
    let reply = match expected {
        Expected::Created => Reply::read(body).map(ControlReply::Created),
        Expected::Signed => Reply::read(body).map(ControlReply::Signed),
        Expected::Listed => Reply::read(body).map(ControlReply::Listed),
        Expected::Completed => Reply::read(body).map(ControlReply::Completed),
        Expected::CompletedMany => Reply::read(body).map(ControlReply::CompletedMany),
        Expected::Aborted => Some(ControlReply::Aborted),
    };
    reply.ok_or_else(|| {
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
        None => return Ok(outcome.number("status").unwrap_or_default() as u16),
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
    let (code, detail, field) = match Problem::read(body) {
        Some(problem) => (Some(problem.code.as_str().to_owned()), problem.detail, problem.field),
        None => (None, String::new(), None),
    };
    Failure::Status { status, code, detail, field, retry_after }
}
