//! Owns CORS: what pages of other origins may do. Never knows S3 beyond the names of its headers.

use std::time::Duration;

use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderName, InvalidHeaderValue, LAST_MODIFIED,
    LOCATION,
};
use http::{HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::checksums::Algorithm;
use super::options::Origins;

/// How long a browser may cache a preflight: Chromium's limit.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(7200);

pub(crate) const METHODS: [Method; 5] =
    [Method::GET, Method::PUT, Method::POST, Method::HEAD, Method::DELETE];

/// Returns the layer that answers preflights, and adds CORS headers to every answer, including errors.
pub(crate) fn layer(origins: &Origins) -> Result<CorsLayer, InvalidHeaderValue> {
    let origins = match origins {
        Origins::Any => AllowOrigin::any(),
        // A star among others stands for all of them, as it does in S3.
        Origins::List(list) if list.iter().any(|origin| origin == "*") => AllowOrigin::any(),
        Origins::List(list) => {
            let patterns: Vec<String> =
                list.iter().map(|origin| origin.trim_end_matches('/').to_owned()).collect();
            for pattern in &patterns {
                HeaderValue::from_str(pattern)?;
            }
            AllowOrigin::predicate(move |origin, _| {
                origin.to_str().is_ok_and(|origin| patterns.iter().any(|pattern| matches(pattern, origin)))
            })
        }
    };
    Ok(CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(METHODS)
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed())
        .max_age(MAX_AGE))
}

/// Returns the headers of answers that a page may read.
pub(crate) fn exposed() -> Vec<HeaderName> {
    let ours = ["x-amz-request-id", "x-amz-version-id", "x-amz-checksum-type", "x-amz-mp-parts-count"];
    let amz = Algorithm::ALL.iter().map(|algorithm| algorithm.header()).chain(ours);
    let standard = [ETAG, LOCATION, CONTENT_LENGTH, CONTENT_RANGE, ACCEPT_RANGES, LAST_MODIFIED, DATE];
    standard.into_iter().chain(amz.map(HeaderName::from_static)).collect()
}

/// Returns whether an origin matches a pattern, in which a star stands for any text.
fn matches(pattern: &str, origin: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == origin,
        Some((before, behind)) => {
            let long_enough = origin.len() >= before.len() + behind.len();
            long_enough && origin.starts_with(before) && origin.ends_with(behind)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("https://*.example.com", "https://app.example.com"));
        assert!(!matches("https://*.example.com", "https://example.com"));
        assert!(!matches("https://*.example.com", "http://app.example.com"));
        assert!(!matches("https://app.example.com", "https://app.example.com.evil.test"));
        assert!(matches("http://localhost:*", "http://localhost:5173"));
    }
}
