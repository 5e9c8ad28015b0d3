//! Authentication by the application's endpoint. It receives the request's cookies and headers. Its answer is cached
//! for some seconds, so that an upload of a thousand requests calls it a few times.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderName;
use partway_s3::http_client::HttpClient;
use partway_shared::error::{ErrorCode, Problem};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::config::ForwardConfig;
use crate::policy::{Scope, ScopeSource};
use crate::redact;

use super::Identify;
use crate::caller::{Caller, Subject};

/// The most answers in the cache.
const MAX_KEPT: usize = 10_000;
/// The largest answer in bytes.
const MAX_BYTES: usize = 64 * 1_024;

/// A client of the application's endpoint.
pub struct Forward {
    url: String,
    headers: Vec<HeaderName>,
    client: HttpClient,
    lifetime: Duration,
    kept: Mutex<HashMap<[u8; 32], Kept>>,
}

struct Kept {
    until: Instant,
    answer: Result<Caller, Problem>,
}

/// The endpoint's answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    subject: String,
    #[serde(default, rename = "limits")]
    scope: Scope,
}

impl Forward {
    /// Creates the client that is configured.
    ///
    /// # Errors
    /// When the URL is missing, or the name of a header is not valid.
    pub fn new(config: &ForwardConfig) -> Result<Self, String> {
        let headers = config
            .headers
            .iter()
            .map(|name| name.parse().map_err(|_| format!("{name:?} is not the name of a header")));
        Ok(Self {
            url: config.url.clone().ok_or("identity.forward.url is missing")?,
            headers: headers.collect::<Result<_, _>>()?,
            client: HttpClient::new(config.timeout)?,
            lifetime: config.cache,
            kept: Mutex::default(),
        })
    }

    async fn ask(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let away = |why: &str| {
            tracing::warn!(url = %redact::urls(&self.url), why, "the application did not authenticate the caller");
            Problem::new(ErrorCode::IdentityUnavailable, "the application did not authenticate the caller")
        };
        let mut passed = http::HeaderMap::new();
        passed.insert(http::header::ACCEPT, http::HeaderValue::from_static("application/json"));
        for name in &self.headers {
            for value in headers.get_all(name.as_str()) {
                // actix-web has a version of these types of its own.
                let value = http::HeaderValue::from_bytes(value.as_bytes());
                passed.append(name, value.map_err(|_| away("a header cannot be passed on"))?);
            }
        }
        let called = self.client.call(http::Method::GET, &self.url, passed, Bytes::new(), MAX_BYTES);
        let answer = called.await.map_err(|why| away(&why))?;
        match answer.status {
            200 => {}
            401 => {
                let code = if self.headers.iter().any(|name| headers.contains_key(name.as_str())) {
                    ErrorCode::CredentialsInvalid
                } else {
                    ErrorCode::CredentialsMissing
                };
                return Err(Problem::new(code, "the application does not know the caller"));
            }
            403 => {
                return Err(Problem::new(
                    ErrorCode::NotPermitted,
                    "the application does not permit the request",
                ));
            }
            status => return Err(away(&format!("HTTP status {status}"))),
        }
        let answer: Answer = serde_json::from_slice(&answer.body)
            .map_err(|error| away(&format!("its answer is not {{\"subject\": …}}: {error}")))?;
        answer.scope.check(ScopeSource::Application).map_err(away)?;
        let subject = Subject::new(answer.subject).map_err(|problem| away(&problem.detail))?;
        Ok(Caller { subject, scope: answer.scope, ticket: None })
    }

    /// Returns a digest of the credentials, as the cache must not hold the credentials.
    fn digest(&self, headers: &HeaderMap) -> [u8; 32] {
        let mut digest = Sha256::new();
        for name in &self.headers {
            for value in headers.get_all(name.as_str()) {
                for piece in [name.as_str().as_bytes(), value.as_bytes()] {
                    digest.update((piece.len() as u64).to_le_bytes());
                    digest.update(piece);
                }
            }
        }
        digest.finalize().into()
    }

    fn kept(&self, digest: &[u8; 32]) -> Option<Result<Caller, Problem>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(digest).filter(|kept| kept.until > Instant::now()).map(|kept| kept.answer.clone())
    }

    fn keep(&self, digest: [u8; 32], answer: Result<Caller, Problem>) {
        if self.lifetime.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, kept| kept.until > now);
        }
        if kept.len() < MAX_KEPT {
            kept.insert(digest, Kept { until: now + self.lifetime, answer });
        }
    }
}

#[async_trait(?Send)]
impl Identify for Forward {
    async fn identify(&self, request: &HttpRequest) -> Result<Caller, Problem> {
        let digest = self.digest(request.headers());
        if let Some(answer) = self.kept(&digest) {
            return answer;
        }
        let answer = self.ask(request.headers()).await;
        // A refusal is cached too, or a refused client could make the server call the application without end; an outage is not.
        if !matches!(&answer, Err(problem) if problem.code == ErrorCode::IdentityUnavailable) {
            self.keep(digest, answer.clone());
        }
        answer
    }
}
