//! A request for bytes of an object, and how its answer begins.

use http::header::{CONTENT_RANGE, ETAG, HeaderMap, RANGE};
use http::{HeaderValue, Method, Response};
use partway_shared::client::Answer;
use partway_shared::download::{Head, range_header};
use partway_shared::part::{ByteRange, ETag};
use partway_shared::store::refusal;
use partway_shared::transfer::Failure;

use crate::http::{HttpClient, empty, header};

/// Makes a request for some bytes of an object, or for all. Returns when the answer begins.
pub(super) async fn get(
    http: &HttpClient,
    url: &str,
    range: Option<ByteRange>,
) -> Result<(Response<hyper::body::Incoming>, Head), Failure> {
    let mut headers = HeaderMap::new();
    if let Some(range) = range.and_then(|range| HeaderValue::try_from(range_header(range)).ok()) {
        headers.insert(RANGE, range);
    }
    let response = http.begin(Method::GET, url, headers, empty()).await.map_err(|_| Failure::NoAnswer)?;
    let status = response.status().as_u16();
    if matches!(status, 200 | 206) {
        let etag = header(response.headers(), ETAG.as_str()).map(ETag::new);
        let content_range = header(response.headers(), CONTENT_RANGE.as_str()).map(str::to_owned);
        return Ok((response, Head { status, etag, content_range }));
    }
    let (Answer { status, body, retry_after }, _) =
        http.read(url, response).await.map_err(|_| Failure::NoAnswer)?;
    Err(refusal(&Answer { status, body: body.0, retry_after }))
}
