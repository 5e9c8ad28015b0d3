//! HTTP beside the SDK: what a browser would send to a store, and calls to an application or its identity provider.
//!
//! TLS as everywhere, no redirects (they would take credentials where nobody has configured them to go), bounded time, answers of
//! bounded size. It knows what was answered, and nothing of what it means.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::oneshot;

use crate::error_chain::describe;
use crate::store::StoreError;

/// How long a store may take over one of the small requests that try it out.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);
/// The most that is read of a store's answer to one, in bytes.
const MAX_STORE_ANSWER: usize = 1 << 20;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An HTTP client.
#[derive(Clone, Debug)]
pub struct HttpClient {
    http: legacy::Client<HttpsConnector<HttpConnector>, Body>,
    timeout: Duration,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl HttpClient {
    /// Creates a client whose calls take at most this long.
    ///
    /// # Errors
    /// When the system has no certificates to check others by.
    pub fn new(timeout: Duration) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|error| format!("the system has no certificates to check others by: {error}"))?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { http: legacy::Client::builder(TokioExecutor::new()).build(connector), timeout })
    }

    /// Calls, and reads an answer of at most `max` bytes.
    ///
    /// # Errors
    /// Says why there is no answer, without the address, which may hold a password.
    pub async fn call(
        &self,
        method: Method,
        url: &str,
        mut headers: HeaderMap,
        body: Bytes,
        max: usize,
    ) -> Result<HttpAnswer, String> {
        let name = HeaderValue::from_static(concat!("partway/", env!("CARGO_PKG_VERSION")));
        headers.insert(USER_AGENT, name);
        self.exchange(method, url, headers, Full::new(body).boxed_unsync(), max).await
    }

    /// PUTs a body in two halves: signals when the first has been sent, and sends the second when the other end of
    /// `may_go_on` is dropped.
    ///
    /// # Errors
    /// When there is no answer, or no such request.
    pub(crate) async fn put_in_halves(
        &self,
        url: &str,
        headers: impl IntoIterator<Item = (&str, &str)>,
        (first, second): (&'static [u8], &'static [u8]),
        begun: oneshot::Sender<()>,
        may_go_on: oneshot::Receiver<()>,
    ) -> Result<HttpAnswer, StoreError> {
        let mut headers = header_map(headers)?;
        headers.insert(CONTENT_LENGTH, HeaderValue::from(first.len() + second.len()));
        let frame = |half| Ok::<_, Infallible>(Frame::data(Bytes::from_static(half)));
        // The second is asked for once the first was sent.
        let rest = async move {
            drop(begun);
            let _ = may_go_on.await;
            frame(second)
        };
        let body = StreamBody::new(stream::once(std::future::ready(frame(first))).chain(stream::once(rest)));
        let answer = self.exchange(Method::PUT, url, headers, body.boxed_unsync(), MAX_STORE_ANSWER).await;
        answer.map_err(StoreError::unavailable)
    }

    /// Sends a request to a store as it is, with no header but these.
    ///
    /// # Errors
    /// When there is no answer, or no such request.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: impl IntoIterator<Item = (&str, &str)>,
        body: &[u8],
    ) -> Result<HttpAnswer, StoreError> {
        let body = Full::new(Bytes::copy_from_slice(body)).boxed_unsync();
        let answer = self.exchange(method, url, header_map(headers)?, body, MAX_STORE_ANSWER).await;
        answer.map_err(StoreError::unavailable)
    }

    async fn exchange(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Body,
        max: usize,
    ) -> Result<HttpAnswer, String> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().map_err(|error| format!("the address cannot be called: {error}"))?;
        *request.headers_mut() = headers;
        let exchanged = async {
            let answer = self.http.request(request).await.map_err(|error| describe(&error))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, max).collect().await;
            let body = body.map_err(|error| format!("its answer cannot be read: {error}"))?.to_bytes();
            Ok(HttpAnswer { status: head.status.as_u16(), headers: head.headers, body })
        };
        tokio::time::timeout(self.timeout, exchanged)
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }
}

fn header_map<'n, 'v>(
    headers: impl IntoIterator<Item = (&'n str, &'v str)>,
) -> Result<HeaderMap, StoreError> {
    let unsendable = |name: &str| StoreError::Misbehaved(format!("the header {name} cannot be sent"));
    let headers = headers.into_iter().map(|(name, value)| {
        let header = (name.parse::<HeaderName>().ok()).zip(HeaderValue::from_str(value).ok());
        header.ok_or_else(|| unsendable(name))
    });
    headers.collect()
}

impl HttpAnswer {
    /// Returns whether it is a success.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }

    /// Returns all values of a header, as one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Returns the body as text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Returns whether a store's answer names an `ETag`: in its header, or in its body as answers to forms do.
    #[must_use]
    pub fn names_etag(&self) -> bool {
        self.header("etag").is_some_and(|tag| !tag.is_empty())
            || self.text().split_once("<ETag>").is_some_and(|(_, rest)| !rest.starts_with("</"))
    }

    /// Returns the status, and a store's own code for it.
    #[must_use]
    pub fn said(&self) -> String {
        let text = self.text();
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        code.map_or_else(|| self.status.to_string(), |(code, _)| format!("{} {code}", self.status))
    }
}
