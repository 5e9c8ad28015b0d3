//! How a command's failure is told: in one sentence, with an exit code.

use std::process::ExitCode;

use partway_server::redact;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::transfer::Failure;

/// All went well.
pub(crate) const DONE: u8 = 0;
/// Some of it failed, or what was asked for is not there.
pub(crate) const SOME_FAILED: u8 = 1;

/// Why a command could not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotBegun(pub(crate) String);

impl From<Failure> for NotBegun {
    fn from(failure: Failure) -> Self {
        Self(sentence(&failure))
    }
}

/// Returns a failure in one sentence.
pub(crate) fn sentence(failure: &Failure) -> String {
    let said = match failure {
        Failure::NoAnswer => {
            "no answer came from the Partway server; is it running, and --endpoint its address?".to_owned()
        }
        Failure::Status { status, code: None, detail, .. } if detail.is_empty() => {
            format!("the server answered with the status {status} and no reason")
        }
        Failure::Status { status: 401, code, detail, .. } => {
            let code = code.as_deref().unwrap_or("401");
            format!("{detail} [{code}]; give a token by PARTWAY_TOKEN or --token-command")
        }
        Failure::Status { code, detail, .. } => match code {
            Some(code) => format!("{detail} [{code}]"),
            None => detail.clone(),
        },
        Failure::Unusable(why) | Failure::Unidentified(why) => why.clone(),
        Failure::Source(_) => "the file could not be read".to_owned(),
    };
    redact::urls(&said).into_owned()
}

/// Returns a problem in one sentence, with its code.
pub(crate) fn problem_sentence(problem: &Problem) -> String {
    redact::urls(&format!("{} [{}]", problem.detail, problem.code.as_str())).into_owned()
}

/// Returns the exit code of a command of which this many things failed.
pub(crate) fn exit(failed: u64) -> ExitCode {
    ExitCode::from(if failed == 0 { DONE } else { SOME_FAILED })
}

/// Returns whether a failure says that there is no such object.
pub(crate) fn is_not_found(failure: &Failure) -> bool {
    matches!(failure, Failure::Status { code: Some(code), .. } if code == ErrorCode::ObjectNotFound.as_str())
}
