//! Hooks over HTTP: signed JSON, retried while the application is unavailable.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use partway_s3::http_client::HttpClient;
use partway_shared::error::{ErrorCode, Problem};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::Caller;
use crate::config::HooksConfig;
use crate::excerpt::excerpt;

use crate::signing_secret::SigningSecret;

use super::{AccessDecision, Decision, FinishedUpload, Hooks, ProposedAccess, ProposedUpload};

/// The largest answer in bytes: decisions on a thousand files.
const MAX_BYTES: usize = 4 << 20;
/// The delay before the second attempt; it doubles each time.
const FIRST_DELAY: Duration = Duration::from_millis(250);

/// Calls to the application's endpoints.
pub struct HttpHooks {
    client: HttpClient,
    secret: SigningSecret,
    before_create: Option<String>,
    after_complete: Option<String>,
    before_access: Option<String>,
    attempts: u32,
}

/// The body of a request.
#[derive(Serialize)]
struct Event<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    /// In RFC 3339.
    timestamp: jiff::Timestamp,
    data: T,
}

#[derive(Serialize)]
struct Proposal<'a> {
    subject: &'a str,
    uploads: &'a [ProposedUpload],
}

/// The body of an answer to a proposal; an empty one (204) accepts all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decisions {
    uploads: Vec<Decision>,
}

#[derive(Serialize)]
struct Access<'a> {
    subject: &'a str,
    accesses: &'a [ProposedAccess],
}

/// The body of an answer about access; an empty one (204) permits all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessDecisions {
    accesses: Vec<AccessDecision>,
}

/// The result of one attempt.
enum Attempt {
    Answered(Bytes),
    /// A status that a retry does not change.
    Refused(u16),
    Away(String),
}

impl HttpHooks {
    /// Creates the hooks that are configured; `None` without any.
    ///
    /// # Errors
    /// When the secret is not valid.
    pub fn new(config: &HooksConfig) -> Result<Option<Self>, String> {
        if !config.is_used() {
            return Ok(None);
        }
        let secret = config.secret.as_ref().ok_or("hooks.secret is missing")?;
        Ok(Some(Self {
            client: HttpClient::new(config.timeout)?,
            secret: SigningSecret::parse(secret.expose_secret())?,
            before_create: config.before_create.clone(),
            after_complete: config.after_complete.clone(),
            before_access: config.before_access.clone(),
            attempts: config.attempts,
        }))
    }

    /// Calls the application until it answers. The id stays the same in each attempt, so that the application
    /// recognises a retry.
    async fn call(&self, url: &str, id: &str, kind: &str, data: impl Serialize) -> Result<Bytes, Problem> {
        let event = Event { kind, timestamp: jiff::Timestamp::now(), data };
        let body = serde_json::to_vec(&event).unwrap_or_default();
        let mut delay = FIRST_DELAY;
        for attempt in 1..=self.attempts {
            match self.attempt(url, id, body.clone()).await {
                Attempt::Answered(body) => return Ok(body),
                Attempt::Refused(status) => {
                    tracing::error!(hook = kind, webhook.id = id, status, "the application refused a hook");
                    break;
                }
                Attempt::Away(why) => {
                    tracing::warn!(
                        hook = kind,
                        webhook.id = id,
                        attempt,
                        why,
                        "the application did not answer a hook"
                    );
                }
            }
            if attempt < self.attempts {
                tokio::time::sleep(delay).await;
                delay *= 2;
            }
        }
        let why = format!("the application did not answer {kind}; try again when it does");
        Err(Problem::new(ErrorCode::HookUnavailable, why).with_retry_after(5))
    }

    async fn attempt(&self, url: &str, id: &str, body: Vec<u8>) -> Attempt {
        // Of each attempt its own: receivers refuse what is old.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signature = self.secret.sign(id, now, &body);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            ("webhook-id", id),
            ("webhook-timestamp", &now.to_string()),
            ("webhook-signature", &signature),
        ] {
            // Ids, numbers and base64 are header values.
            headers.extend(
                HeaderValue::from_str(value).ok().map(|value| (HeaderName::from_static(name), value)),
            );
        }
        let answer = match self.client.call(Method::POST, url, headers, body.into(), MAX_BYTES).await {
            Ok(answer) => answer,
            Err(why) => return Attempt::Away(why),
        };
        match answer.status {
            200..=299 => Attempt::Answered(answer.body),
            status @ (408 | 425 | 429 | 500..) => Attempt::Away(format!("HTTP status {status}")),
            status => Attempt::Refused(status),
        }
    }
}

impl HttpHooks {
    /// Asks the application to decide on each of several things. An empty answer is the default for all.
    async fn ask<A: DeserializeOwned, D: Clone + Default>(
        &self,
        url: &str,
        kind: &'static str,
        data: impl Serialize,
        count: usize,
        read: impl FnOnce(A) -> Vec<D>,
    ) -> Result<Vec<D>, Problem> {
        let id = Uuid::new_v4().to_string();
        let body = self.call(url, &id, kind, data).await?;
        if body.is_empty() {
            return Ok(vec![D::default(); count]);
        }
        let unusable = |why: &str| {
            tracing::error!(hook = kind, webhook.id = id, why, "the application's answer cannot be used");
            Problem::new(
                ErrorCode::HookUnavailable,
                "the application's answer cannot be used; the server's log says more",
            )
        };
        let decisions = serde_json::from_slice(&body).map(read);
        let decisions = decisions.map_err(|error| unusable(&excerpt(&error.to_string())))?;
        if decisions.len() != count {
            return Err(unusable(&format!("{} decisions on {count} that were asked for", decisions.len())));
        }
        Ok(decisions)
    }
}

#[async_trait]
impl Hooks for HttpHooks {
    async fn before_create(
        &self,
        caller: &Caller,
        uploads: &[ProposedUpload],
    ) -> Result<Vec<Decision>, Problem> {
        let Some(url) = &self.before_create else { return Ok(vec![Decision::default(); uploads.len()]) };
        let proposal = Proposal { subject: caller.subject.as_str(), uploads };
        let read = |Decisions { uploads }| uploads;
        self.ask(url, "upload.before_create", proposal, uploads.len(), read).await
    }

    async fn before_access(
        &self,
        caller: &Caller,
        accesses: &[ProposedAccess],
    ) -> Result<Vec<AccessDecision>, Problem> {
        let Some(url) = &self.before_access else {
            return Ok(vec![AccessDecision::default(); accesses.len()]);
        };
        let access = Access { subject: caller.subject.as_str(), accesses };
        let read = |AccessDecisions { accesses }| accesses;
        self.ask(url, "object.before_access", access, accesses.len(), read).await
    }

    fn guards(&self) -> bool {
        self.before_access.is_some()
    }

    async fn after_complete(&self, upload: &FinishedUpload) -> Result<(), Problem> {
        let Some(url) = &self.after_complete else { return Ok(()) };
        self.call(url, &upload.id, "upload.completed", upload).await.map(drop)
    }

    fn decides(&self) -> bool {
        self.before_create.is_some()
    }

    fn listens(&self) -> bool {
        self.after_complete.is_some()
    }
}
