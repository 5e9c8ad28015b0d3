//! Requests to the store, without credentials and without a header that would cost a preflight.

use js_sys::Promise;
use partway_shared::client::{Answer, parse_retry_after};
use partway_shared::download::{Head, range_header};
use partway_shared::part::{ByteRange, ETag};
use partway_shared::store::refusal;
use partway_shared::transfer::Failure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestCache, RequestCredentials, RequestInit, Response};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(url: &str, init: &RequestInit) -> Result<Promise, JsValue>;
}

/// Makes a request for some bytes of an object, or for all. Resolves when the answer begins.
pub(super) async fn get(
    url: &str,
    range: Option<ByteRange>,
    signal: &AbortSignal,
) -> Result<(Response, Head), Failure> {
    let response = send(url, range, signal).await.map_err(|_| Failure::NoAnswer)?;
    let header = |name| response.headers().get(name).ok().flatten();
    let status = response.status();
    if matches!(status, 200 | 206) {
        let etag = header("ETag").map(|etag| ETag::new(&etag));
        let content_range = header("Content-Range");
        return Ok((response, Head { status, etag, content_range }));
    }
    let retry_after = header("Retry-After").and_then(|header| parse_retry_after(&header));
    let body = text(&response).await.unwrap_or_default();
    Err(refusal(&Answer { status, body, retry_after }))
}

async fn send(url: &str, range: Option<ByteRange>, signal: &AbortSignal) -> Result<Response, JsValue> {
    let init = RequestInit::new();
    init.set_signal(Some(signal));
    init.set_credentials(RequestCredentials::Omit);
    // Else what is written to disk is written to the browser's cache as well.
    init.set_cache(RequestCache::NoStore);
    if let Some(range) = range {
        let headers = Headers::new()?;
        headers.set("Range", &range_header(range))?;
        init.set_headers(&headers);
    }
    JsFuture::from(fetch(url, &init)?).await?.dyn_into()
}

async fn text(response: &Response) -> Option<String> {
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}
