//! An error with everything that caused it. Libraries say what went wrong in the last of these, and "dispatch failure" in
//! the first.

use std::error::Error;

/// The chain of causes in one line.
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
