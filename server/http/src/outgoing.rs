//! Calls to the application and its identity provider. They follow no redirects, which would send credentials to a
//! server that is not configured, and are bounded in time and size.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use partway_s3::error_chain::describe;

/// An HTTP client.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

/// An answer with its body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Client {
    /// Creates a client with this timeout.
    pub(crate) fn new(timeout: Duration) -> Result<Self, String> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(Arc::new(rustls::crypto::ring::default_provider()))
            .map_err(|error| format!("the system has no root certificates: {error}"))?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { http: legacy::Client::builder(TokioExecutor::new()).build(connector), timeout })
    }

    /// Calls, and reads an answer of at most `max` bytes. An error does not contain the address, which may hold a
    /// password.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        max: usize,
    ) -> Result<Answer, String> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().map_err(|error| format!("the address cannot be called: {error}"))?;
        *request.headers_mut() = headers;
        let name = HeaderValue::from_static(concat!("partway/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, name);
        let called = async {
            let answer = self.http.request(request).await.map_err(|error| describe(&error))?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), max).collect().await;
            let body = body.map_err(|error| format!("its answer cannot be read: {error}"))?.to_bytes();
            Ok(Answer { status, body })
        };
        tokio::time::timeout(self.timeout, called)
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }
}
