//! `Retry-After`: neither the server nor a client calls a store again before the time that it gives.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use jiff::fmt::rfc2822;

/// Waits of this many seconds or more exceed the SDK's own backoff; shorter ones are left to it.
const NOTABLE: u64 = 2;
/// The longest wait in seconds, whatever a store asks for.
const LONGEST: u64 = 60 * 60;

/// Parses the header's value to seconds from now: a number, or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(value: &str) -> Option<u64> {
    let value = value.trim();
    let seconds = value.parse().ok().or_else(|| {
        let at = u64::try_from(rfc2822::parse(value).ok()?.timestamp().as_second()).ok()?;
        Some(at.saturating_sub(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs()))
    });
    seconds.map(|seconds: u64| seconds.min(LONGEST))
}

/// Keeps the SDK from retrying. The client is told when it may.
#[derive(Debug)]
pub(super) struct HeedRetryAfter;

impl ClassifyRetry for HeedRetryAfter {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let header = context.response().and_then(|response| response.headers().get("retry-after"));
        match header.and_then(retry_after) {
            Some(seconds) if seconds >= NOTABLE => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Retry-After"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates() {
        assert_eq!(retry_after("7"), Some(7));
        assert_eq!(retry_after(" 0 "), Some(0));
        assert_eq!(retry_after("999999"), Some(3_600));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(0), "it has passed");
        assert_eq!(retry_after("Fri, 21 Oct 2095 07:28:00 GMT"), Some(3_600));
        for bad in ["", "soon", "-1", "1.5"] {
            assert_eq!(retry_after(bad), None, "{bad}");
        }
    }
}
