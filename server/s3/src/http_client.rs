//! Plain HTTP to a store, as a browser sends it: requests with no credentials but the signature in their URL.
//!
//! It returns answers, and does not interpret them.

use std::convert::Infallible;
use std::time::Duration;

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::oneshot;

use crate::error_chain::describe;
use crate::store::StoreError;

/// The timeout of one of these small requests.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A client that sends requests unchanged.
#[derive(Clone, Debug)]
pub struct HttpClient(SharedHttpConnector);

/// An answer of a store.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
}

impl Default for HttpClient {
    fn default() -> Self {
        let settings =
            HttpConnectorSettings::builder().connect_timeout(Duration::from_secs(5)).read_timeout(TIMEOUT);
        let connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .connector_settings(settings.build())
            .sleep_impl(aws_sdk_s3::config::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .build();
        Self(SharedHttpConnector::new(connector))
    }
}

impl HttpClient {
    /// Sends a request, and reads the answer to its end.
    ///
    /// # Errors
    /// When the request is not valid, or no answer comes within 20 seconds.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        headers: impl IntoIterator<Item = (&str, &str)>,
        body: &[u8],
    ) -> Result<HttpAnswer, StoreError> {
        self.send_body(method, url, headers, SdkBody::from(body)).await
    }

    /// PUTs a body in two halves: signals when the first has been sent, and sends the second when the other end of
    /// `may_go_on` is dropped.
    ///
    /// # Errors
    /// When the request is not valid, or no answer comes within 20 seconds.
    pub async fn put_in_halves(
        &self,
        url: &str,
        headers: impl IntoIterator<Item = (&str, &str)>,
        (first, second): (&'static [u8], &'static [u8]),
        begun: oneshot::Sender<()>,
        may_go_on: oneshot::Receiver<()>,
    ) -> Result<HttpAnswer, StoreError> {
        let length = (first.len() + second.len()).to_string();
        let frame = |half| Ok::<_, Infallible>(Frame::data(Bytes::from_static(half)));
        // The second is asked for once the first was sent.
        let rest = async move {
            drop(begun);
            let _ = may_go_on.await;
            frame(second)
        };
        let body = StreamBody::new(stream::once(std::future::ready(frame(first))).chain(stream::once(rest)));
        let mut all: Vec<(&str, &str)> = vec![("content-length", &length)];
        for (name, value) in headers {
            all.push((name, value));
        }
        self.send_body("PUT", url, all, SdkBody::from_body_1_x(body)).await
    }

    async fn send_body(
        &self,
        method: &str,
        url: &str,
        headers: impl IntoIterator<Item = (&str, &str)>,
        body: SdkBody,
    ) -> Result<HttpAnswer, StoreError> {
        let unsendable = |error: &dyn std::fmt::Display| {
            StoreError::Misbehaved(format!("the request cannot be sent: {error}"))
        };
        let mut request = HttpRequest::new(body);
        request.set_method(method).map_err(|error| unsendable(&error))?;
        request.set_uri(url).map_err(|error| unsendable(&error))?;
        for (name, value) in headers {
            request
                .headers_mut()
                .try_insert(name.to_owned(), value.to_owned())
                .map_err(|error| unsendable(&error))?;
        }
        let answer = self.0.call(request).await;
        let answer = answer.map_err(|error| StoreError::unavailable(describe(&error)))?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|error| StoreError::unavailable(describe(&error)))?.to_vec();
        Ok(HttpAnswer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

impl HttpAnswer {
    /// Returns whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }

    /// Returns all values of a header, joined by commas.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> =
            self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Returns whether the answer has an `ETag`: as a header, or in the body as answers to forms do.
    #[must_use]
    pub fn names_etag(&self) -> bool {
        self.header("etag").is_some_and(|tag| !tag.is_empty())
            || self.body.split_once("<ETag>").is_some_and(|(_, rest)| !rest.starts_with("</"))
    }

    /// Returns the status, and the store's error code if it gives one.
    #[must_use]
    pub fn said(&self) -> String {
        let code = self.body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        code.map_or_else(|| self.status.to_string(), |(code, _)| format!("{} {code}", self.status))
    }
}
