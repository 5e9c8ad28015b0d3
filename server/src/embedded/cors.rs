//! Owns what browsers are told about other origins' pages (CORS). Never knows S3 beyond the names
//! of its headers.

use std::time::Duration;

use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderName, InvalidHeaderValue, LAST_MODIFIED,
    LOCATION,
};
use http::{HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::checksums::Algorithm;
use super::options::Origins;

/// How long a browser may remember a preflight: Chromium's limit.
const MAX_AGE: Duration = Duration::from_secs(7200);

/// The layer that answers preflights, and adds CORS headers to every answer, errors included.
pub(crate) fn layer(origins: &Origins) -> Result<CorsLayer, InvalidHeaderValue> {
    let origins = match origins {
        Origins::Any => AllowOrigin::any(),
        // A star among others stands for all of them, as it does in S3.
        Origins::List(list) if list.iter().any(|origin| origin == "*") => AllowOrigin::any(),
        Origins::List(list) => {
            let values = list.iter().map(|origin| HeaderValue::from_str(origin.trim_end_matches('/')));
            AllowOrigin::list(values.collect::<Result<Vec<_>, _>>()?)
        }
    };
    let ours = ["x-amz-request-id", "x-amz-version-id", "x-amz-checksum-type", "x-amz-mp-parts-count"];
    let amz = Algorithm::ALL.iter().map(|algorithm| algorithm.header()).chain(ours);
    let standard = [ETAG, LOCATION, CONTENT_LENGTH, CONTENT_RANGE, ACCEPT_RANGES, LAST_MODIFIED, DATE];
    let exposed: Vec<HeaderName> = standard.into_iter().chain(amz.map(HeaderName::from_static)).collect();
    Ok(CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::PUT, Method::POST, Method::HEAD, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed)
        .max_age(MAX_AGE))
}
