//! HTTP/1.1 to a Partway server and to stores: one pool of connections for all transfers.
//!
//! It owns connections, TLS and how bodies are sent and read. It never knows what an answer means, and tries nothing again.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, RETRY_AFTER, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Builder};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use partway_shared::client::{Answer, Body as AnswerBody, Unexpected, parse_retry_after};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection without a request is kept. Stores close theirs earlier or later; a request on one that was closed fails, and
/// is made again.
const IDLE: Duration = Duration::from_secs(20);
/// The most that is read of a body at once, in bytes. Each connection has up to three of these.
const READ_BUFFER: usize = 256 * 1024;
/// The most that is read of an answer that is no object, in bytes: a listing of 1,000 long keys.
const MAX_ANSWER: usize = 16 << 20;

/// A body on its way to a server.
pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// A pool of connections. Clones share it.
#[derive(Clone, Debug)]
pub struct HttpClient {
    http: legacy::Client<HttpsConnector<HttpConnector>, Body>,
    /// Why there was no answer the last time that there was none.
    latest: Arc<Mutex<Option<NoAnswer>>>,
}

/// There was no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host}: {why}")]
pub struct NoAnswer {
    /// The host and port that were asked.
    pub host: String,
    /// Why there is no answer, in the system's words.
    pub why: String,
}

/// The system has no certificates to check others by.
#[derive(Debug, thiserror::Error)]
#[error("the system has no certificates to check others by: {0}")]
pub struct NoCertificates(std::io::Error);

impl HttpClient {
    /// Creates a pool that keeps up to so many idle connections to each host.
    ///
    /// # Errors
    /// When the system has no certificates to check others by.
    pub fn new(connections: usize) -> Result<Self, NoCertificates> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(NoCertificates)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let mut builder: Builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(connections)
            .http1_max_buf_size(READ_BUFFER);
        Ok(Self { http: builder.build(connector), latest: Arc::default() })
    }

    /// Sends a request, and returns how its answer begins.
    ///
    /// # Errors
    /// When there is no answer. [`why_not`](Self::why_not) remembers why.
    pub(crate) async fn begin(
        &self,
        method: Method,
        url: &str,
        mut headers: HeaderMap,
        body: Body,
    ) -> Result<Response<hyper::body::Incoming>, NoAnswer> {
        headers.entry(USER_AGENT).or_insert(NAME);
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url
            .parse()
            .map_err(|error| self.no_answer(url, &format!("the address cannot be called: {error}")))?;
        *request.headers_mut() = headers;
        self.http.request(request).await.map_err(|error| self.no_answer(url, &chain(&error)))
    }

    /// Sends a request, and reads the answer whole.
    ///
    /// # Errors
    /// When there is no answer, or it broke off.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Body,
    ) -> Result<(Answer<Text>, HeaderMap), NoAnswer> {
        let response = self.begin(method, url, headers, body).await?;
        self.read(url, response).await
    }

    /// Reads an answer whole.
    ///
    /// # Errors
    /// When it breaks off.
    pub(crate) async fn read(
        &self,
        url: &str,
        response: Response<hyper::body::Incoming>,
    ) -> Result<(Answer<Text>, HeaderMap), NoAnswer> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| self.no_answer(url, &chain(&*error)))?.to_bytes();
        let retry_after = header(&head.headers, RETRY_AFTER.as_str()).and_then(parse_retry_after);
        let body = Text(String::from_utf8_lossy(&body).into_owned());
        Ok((Answer { status: head.status.as_u16(), body, retry_after }, head.headers))
    }

    /// Returns why there was no answer the last time that there was none.
    #[must_use]
    pub fn why_not(&self) -> Option<NoAnswer> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes an error of this, and remembers why.
    pub(crate) fn no_answer(&self, url: &str, why: &str) -> NoAnswer {
        let host = host_of(url);
        tracing::debug!(host, why, "no answer");
        let no_answer = NoAnswer { host, why: why.to_owned() };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(no_answer.clone());
        no_answer
    }
}

const NAME: HeaderValue = HeaderValue::from_static(concat!("partway/", env!("CARGO_PKG_VERSION")));

/// The text of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl AnswerBody for Text {
    fn text(&self) -> &str {
        &self.0
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, Unexpected> {
        serde_json::from_str(&self.0).map_err(|error| match error.classify() {
            Category::Data => Unexpected::Form(error.to_string()),
            Category::Io | Category::Syntax | Category::Eof => Unexpected::NotJson,
        })
    }
}

/// Returns a body of these bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Returns a body of no bytes.
pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Returns a header as text, if it is there and is text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns headers of these names and values; `None` if one cannot be sent.
pub(crate) fn header_map<'a>(
    headers: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Option<HeaderMap> {
    let headers = headers
        .into_iter()
        .map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?)));
    headers.collect()
}

fn host_of(url: &str) -> String {
    let authority = url.split("://").nth(1).unwrap_or(url).split(['/', '?']).next().unwrap_or_default();
    // What stands before an @ is a password.
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

/// Says what happened, and what that came of, each thing once. That it was a client that failed to connect is no news.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        next = error.source();
        let is_news =
            !said.contains(&text) && !text.starts_with("client error") && text != "tcp connect error";
        if said.is_empty() && (is_news || next.is_none()) {
            said = text;
        } else if is_news {
            let _ = write!(said, ": {text}");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_told_without_what_is_secret() {
        assert_eq!(host_of("https://ada:pw@store.test:81/b/k?X-Amz-Signature=1"), "store.test:81");
        assert_eq!(host_of("http://127.0.0.1:8080"), "127.0.0.1:8080");
    }

    #[tokio::test]
    async fn the_reason_of_no_answer_is_remembered() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let http = HttpClient::new(1).unwrap();
        let url = format!("http://{nobody}/a");
        assert!(http.call(Method::GET, &url, HeaderMap::new(), empty()).await.is_err());
        let why = http.why_not().unwrap().to_string();
        assert_eq!(why, format!("{nobody}: Connection refused (os error 111)"));
    }
}
