//! Hooks over HTTP: signed JSON, retried while the application is unavailable.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use partway_s3::http_client::HttpClient;
use partway_shared::error::{ErrorCode, Problem};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::Caller;
use crate::config::HooksConfig;
use crate::excerpt::excerpt;

use crate::signing_secret::SigningSecret;

use super::{Decision, FinishedUpload, Hooks, ProposedUpload};

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
        let why = format!("the application did not answer {kind}; the upload continues when it does");
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

#[async_trait]
impl Hooks for HttpHooks {
    async fn before_create(
        &self,
        caller: &Caller,
        uploads: &[ProposedUpload],
    ) -> Result<Vec<Decision>, Problem> {
        let Some(url) = &self.before_create else { return Ok(vec![Decision::default(); uploads.len()]) };
        let id = Uuid::new_v4().to_string();
        let proposal = Proposal { subject: caller.subject.as_str(), uploads };
        let body = self.call(url, &id, "upload.before_create", proposal).await?;
        if body.is_empty() {
            return Ok(vec![Decision::default(); uploads.len()]);
        }
        let unusable = |why: &str| {
            tracing::error!(
                hook = "upload.before_create",
                webhook.id = id,
                why,
                "the application's answer cannot be used"
            );
            Problem::new(
                ErrorCode::HookUnavailable,
                "the application's answer cannot be used; the server's log says more",
            )
        };
        let decisions: Decisions =
            serde_json::from_slice(&body).map_err(|error| unusable(&excerpt(&error.to_string())))?;
        if decisions.uploads.len() != uploads.len() {
            return Err(unusable(&format!(
                "{} decisions on {} uploads",
                decisions.uploads.len(),
                uploads.len()
            )));
        }
        Ok(decisions.uploads)
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
