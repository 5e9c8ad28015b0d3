//! Errors with all their sources: libraries put the reason into the last of these, and "dispatch failure" into the
//! first.

use std::error::Error;

/// Returns an error and its sources in one line, separated by colons.
#[must_use]
pub fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
