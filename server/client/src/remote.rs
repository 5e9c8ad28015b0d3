//! A Partway server as whoever holds the credentials: its API over HTTP, with a token that proves who asks.
//!
//! It owns the endpoint, the token and the command that gives one. It never knows what a call is for, and tries none again but for one
//! that was refused for its token.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use http::{HeaderValue, Method};
use partway_shared::client::{
    Answer, CALLER_PATH, SIGN_OBJECTS_PATH, read_body, read_caller, read_signed_objects,
};
use partway_shared::transfer::Failure;
use partway_shared::upload::{ControlCall, ControlReply};
use partway_shared::wire::{
    CallerInfo, CreateLink, CreatedLink, DeleteObjects, DeletedObjects, DestinationList, ListObjects,
    ListedObjects, LookAtObjects, LookedAtObjects, SignObjects, SignedObjects,
};
use serde::Serialize;
use tokio::process::Command;
use tokio::sync::Mutex;
use url::form_urlencoded::Serializer;

use crate::control::Control;
use crate::http::{HttpClient, Text, empty, full};

/// How long a call may take. Completing joins parts for minutes; the machines give up earlier where it makes sense.
const CALL_TIMEOUT: Duration = Duration::from_secs(180);
/// How long a token command may take.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(60);
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What proves who asks.
#[derive(Clone, Default)]
pub enum Token {
    /// Nothing: the server asks nobody, or knows by other means.
    #[default]
    None,
    /// A bearer token.
    Fixed(String),
    /// A command for `sh -c`, whose first line of output is the token. It runs before the first call, and once more whenever the
    /// server answers 401.
    Command(String),
}

/// Why there is no such server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEndpoint {
    /// The address cannot be one.
    #[error(
        "{0:?} is not the address of a Partway server; it begins with http:// or https://, as http://127.0.0.1:8080 does"
    )]
    Address(String),
    /// The token cannot be sent.
    #[error("the token has characters that no HTTP header may have")]
    Token,
}

/// A Partway server.
pub struct Remote {
    http: HttpClient,
    /// Without a slash at its end.
    endpoint: String,
    token: Token,
    /// The header of the token that holds, once there is one.
    current: Mutex<Option<Arc<HeaderValue>>>,
}

impl Remote {
    /// Creates a client of the server at this address, such as `https://files.example.com`.
    ///
    /// # Errors
    /// When that is no address, or a fixed token cannot be sent.
    pub fn new(http: HttpClient, endpoint: &str, token: Token) -> Result<Self, NoEndpoint> {
        let is_address = url::Url::parse(endpoint).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()
        });
        if !is_address {
            return Err(NoEndpoint::Address(endpoint.to_owned()));
        }
        let current = match &token {
            Token::Fixed(token) => Some(Arc::new(bearer(token).ok_or(NoEndpoint::Token)?)),
            Token::None | Token::Command(_) => None,
        };
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Ok(Self { http, endpoint, token, current: Mutex::new(current) })
    }

    /// Returns the server's address, without a slash at its end.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer<Text>, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| Failure::Unusable(error.to_string()))?;
        self.send(Method::POST, path, Some(body)).await
    }

    /// Sends a request, and once more with a new token if it is refused for its token.
    async fn send(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Answer<Text>, Failure> {
        let token = self.token().await?;
        let answer = self.attempt(&method, path, body.clone(), token.as_deref()).await?;
        if answer.status != 401 || !matches!(self.token, Token::Command(_)) {
            return Ok(answer);
        }
        self.forget(token.as_ref()).await;
        let token = self.token().await?;
        self.attempt(&method, path, body, token.as_deref()).await
    }

    async fn attempt(
        &self,
        method: &Method,
        path: &str,
        body: Option<Vec<u8>>,
        token: Option<&HeaderValue>,
    ) -> Result<Answer<Text>, Failure> {
        let url = format!("{}{path}", self.endpoint);
        let mut headers = HeaderMap::from_iter([(ACCEPT, JSON)]);
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        let body = match body {
            Some(body) => {
                headers.insert(CONTENT_TYPE, JSON);
                full(body)
            }
            None => empty(),
        };
        let answer = self.http.call(method.clone(), &url, headers, body);
        match tokio::time::timeout(CALL_TIMEOUT, answer).await {
            Ok(Ok((answer, _))) => Ok(answer),
            Ok(Err(_)) => Err(Failure::NoAnswer),
            Err(_) => {
                self.http.no_answer(&url, "no answer in time");
                Err(Failure::NoAnswer)
            }
        }
    }

    /// Returns the header of the token that holds. Calls that come while it is asked for wait for the same answer.
    async fn token(&self) -> Result<Option<Arc<HeaderValue>>, Failure> {
        let Token::Command(command) = &self.token else { return Ok(self.current.lock().await.clone()) };
        let mut current = self.current.lock().await;
        if current.is_none() {
            let token = ask(command).await.map_err(Failure::Unidentified)?;
            let header = bearer(&token).ok_or_else(|| {
                Failure::Unidentified(
                    "the token command's output is no token: it has characters that no header may have"
                        .to_owned(),
                )
            })?;
            *current = Some(Arc::new(header));
        }
        Ok(current.clone())
    }

    /// Forgets a token that was refused, unless another call has done so.
    async fn forget(&self, refused: Option<&Arc<HeaderValue>>) {
        let mut current = self.current.lock().await;
        if let (Some(held), Some(refused)) = (current.as_ref(), refused)
            && Arc::ptr_eq(held, refused)
        {
            *current = None;
        }
    }
}

#[async_trait]
impl Control for Remote {
    async fn call(&self, call: ControlCall) -> Result<ControlReply, Failure> {
        let kind = call.kind();
        kind.read_answer(&self.post(kind.path(), &call).await?)
    }

    async fn sign(&self, request: SignObjects) -> Result<SignedObjects, Failure> {
        read_signed_objects(&self.post(SIGN_OBJECTS_PATH, &request).await?)
    }

    async fn list(&self, request: ListObjects) -> Result<ListedObjects, Failure> {
        let ListObjects { destination, prefix, delimiter, after, limit } = request;
        let limit = limit.map(|limit| limit.to_string());
        let fields = [
            ("destination", destination),
            ("prefix", prefix),
            ("delimiter", delimiter),
            ("after", after),
            ("limit", limit),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let query = Serializer::new(String::new()).extend_pairs(given).finish();
        read_body(&self.send(Method::GET, &format!("/v1/objects?{query}"), None).await?)
    }

    async fn look(&self, request: LookAtObjects) -> Result<LookedAtObjects, Failure> {
        read_body(&self.post("/v1/objects/look", &request).await?)
    }

    async fn delete(&self, request: DeleteObjects) -> Result<DeletedObjects, Failure> {
        read_body(&self.post("/v1/objects/delete", &request).await?)
    }

    async fn link(&self, request: CreateLink) -> Result<CreatedLink, Failure> {
        read_body(&self.post("/v1/links", &request).await?)
    }

    async fn destinations(&self) -> Result<DestinationList, Failure> {
        read_body(&self.send(Method::GET, "/v1/destinations", None).await?)
    }

    async fn caller(&self) -> Result<CallerInfo, Failure> {
        read_caller(&self.send(Method::GET, CALLER_PATH, None).await?)
    }
}

/// Runs a token command. Its output is never repeated.
async fn ask(command: &str) -> Result<String, String> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = tokio::time::timeout(TOKEN_TIMEOUT, shell.output()).await;
    let output = output
        .map_err(|_| format!("the token command took longer than {} s", TOKEN_TIMEOUT.as_secs()))?
        .map_err(|error| format!("the token command could not be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("the token command failed ({})", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let token = text.lines().next().unwrap_or_default().trim();
    if token.is_empty() {
        return Err("the token command printed no token".to_owned());
    }
    Ok(token.to_owned())
}

fn bearer(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(endpoint: &str, token: Token) -> Result<Remote, NoEndpoint> {
        Remote::new(HttpClient::new(1).unwrap(), endpoint, token)
    }

    #[test]
    fn an_endpoint_is_an_address() {
        assert_eq!(
            remote("http://127.0.0.1:8080/", Token::None).unwrap().endpoint(),
            "http://127.0.0.1:8080"
        );
        assert!(remote("https://a.test/below", Token::None).is_ok());
        for other in ["", "a.test", "ftp://a.test", "http://", "http://a.test/?x=1"] {
            assert!(matches!(remote(other, Token::None), Err(NoEndpoint::Address(_))), "{other}");
        }
        assert!(matches!(remote("http://a.test", Token::Fixed("a\nb".to_owned())), Err(NoEndpoint::Token)));
    }

    #[tokio::test]
    async fn a_token_is_the_first_line_of_what_a_command_prints() {
        assert_eq!(ask("printf 'abc\\ndef\\n'").await, Ok("abc".to_owned()));
        assert_eq!(ask("exit 3").await, Err("the token command failed (exit status: 3)".to_owned()));
        assert_eq!(ask("true").await, Err("the token command printed no token".to_owned()));
    }

    #[tokio::test]
    async fn one_run_serves_all_that_wait() {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        let command = format!("echo run >> {0}; wc -l < {0}", runs.display());
        let remote = remote("http://127.0.0.1:1", Token::Command(command)).unwrap();
        let (first, second) = tokio::join!(remote.token(), remote.token());
        let (first, second) = (first.unwrap().unwrap(), second.unwrap().unwrap());
        assert_eq!(*first, "Bearer 1");
        assert!(Arc::ptr_eq(&first, &second));
        // Both were refused.
        remote.forget(Some(&first)).await;
        let third = remote.token().await.unwrap().unwrap();
        remote.forget(Some(&second)).await;
        assert_eq!(remote.token().await.unwrap().unwrap(), third, "that was another");
        assert_eq!(std::fs::read_to_string(runs).unwrap().lines().count(), 2);
    }
}
