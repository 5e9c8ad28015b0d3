//! Answers, and what they should be.

use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use super::*;

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn is<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("cache-control"), Some("no-store"), "it carries tokens or signed URLs");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A refusal with this code, in the one form that refusals have.
    pub fn refused(&self, code: ErrorCode) -> Problem {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        let spec = code.spec();
        assert_eq!((problem.code, Some(self.status)), (code, spec.status), "{}", self.text());
        assert_eq!((problem.status, problem.title.as_str()), (self.status, spec.title));
        assert_eq!(problem.kind, format!("urn:partway:error:{}", spec.code));
        assert!(!problem.detail.is_empty());
        assert_eq!(self.headers.contains_key("retry-after"), spec.retryable);
        problem
    }

    /// The same, and the field that it blames.
    pub fn blamed(&self, code: ErrorCode) -> String {
        self.refused(code).field.unwrap_or_default()
    }
}
