//! Links: texts that let whoever has them read one object until they expire.
//!
//! A link holds no presigned URL, which would end with its credentials and after seven days at most. It is signed for when
//! somebody follows it, as long as its destination allows reading. The server keeps nothing of it: another `link_secret` revokes
//! all links, and a key that is deleted ends those to it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use partway_shared::error::{ErrorCode, Problem};
use partway_shared::wire::{CreateLink, Operation, ReadMethod, ResponseHeaders};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Subject};
use crate::policy::Scope;
use crate::seal::Seal;

use super::access::{Named, Place, Reached};
use super::answer_headers::answer_headers;
use super::content::Content;
use super::{Objects, outcome};

/// The prefix that separates links from other texts that are sealed with the same secret.
const CONTEXT: &[u8] = b"partway link v1\0";
/// The longest link that is read, in bytes: enough for the longest key with all headers.
const MAX_LINK_BYTES: usize = 8 * 1_024;
/// How long a URL is valid that a followed link leads to: long enough to begin, and for a download to ask again.
const URL_SECONDS: u64 = 5 * 60;

/// A link before it has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// The text that stands for the object.
    pub token: String,
    /// Seconds for which it works.
    pub expires_in: u64,
}

/// Makes and reads links.
pub struct LinkMint {
    seal: Seal,
}

impl LinkMint {
    /// Creates a mint with this secret, else with one that is derived from the secret of tokens.
    #[must_use]
    pub fn new(link_secret: Option<&SecretString>, token_secret: &SecretString) -> Self {
        let secret = link_secret.unwrap_or(token_secret);
        debug_assert!(!secret.expose_secret().is_empty());
        Self { seal: Seal::new(secret, CONTEXT) }
    }
}

/// What a link stands for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    /// Who made it, for quotas and the log.
    subject: String,
    destination: String,
    bucket: String,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(default, skip_serializing_if = "is_plain")]
    response: ResponseHeaders,
    /// In seconds since 1970.
    expires_at: u64,
}

fn is_plain(response: &ResponseHeaders) -> bool {
    *response == ResponseHeaders::default()
}

impl Objects {
    /// Makes a link to an object that the caller may read.
    ///
    /// # Errors
    /// When the caller may not read it, it does not exist, or a field is not valid.
    pub async fn link(&self, caller: &Caller, request: &CreateLink) -> Result<Links, Problem> {
        let named = Named {
            destination: request.destination.as_deref(),
            key: &request.key,
            version_id: request.version_id.as_deref(),
        };
        let reached = self.reach_alone(caller, Operation::Get, named).await?;
        let destination = reached.destination;
        let longest = destination.link_lifetime.as_secs();
        if request.expires_in.is_some_and(|seconds| !(1..=longest).contains(&seconds)) {
            let why = format!("a link here can work for 1 to {longest} seconds");
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field("expires_in"));
        }
        // A mistake is told to who makes the link, and not to who follows it.
        let object = reached.look().await?.object;
        answer_headers(&destination.policy, reached.key, &request.response, Some(&object), Place::Alone)?;
        let expires_in = request.expires_in.unwrap_or(longest);
        let claims = Claims {
            subject: caller.subject.as_str().to_owned(),
            destination: destination.name.clone(),
            bucket: destination.bucket.name.clone(),
            key: request.key.clone(),
            version_id: request.version_id.clone(),
            response: request.response.clone(),
            expires_at: now() + expires_in,
        };
        let token = self.links.seal.close(&claims);
        if token.len() > MAX_LINK_BYTES {
            let why = "with its headers, the link would be too long; leave some out";
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field("filename"));
        }
        destination.metrics.objects("link", crate::metrics::ObjectOutcome::done, 1);
        tracing::info!(destination = destination.name, object.key = request.key, expires_in, "link made");
        Ok(Links { token, expires_in })
    }

    /// Returns where the bytes are that a link leads to, whoever follows it.
    ///
    /// # Errors
    /// [`ErrorCode::LinkInvalid`] when it was not made here, has expired or was revoked;
    /// [`ErrorCode::ObjectNotFound`] when the object is gone.
    pub async fn follow(&self, token: &str, method: ReadMethod) -> Result<Content, Problem> {
        let invalid = |why: &str| Problem::new(ErrorCode::LinkInvalid, why);
        if token.len() > MAX_LINK_BYTES {
            return Err(invalid("it is longer than any link of this server"));
        }
        let claims: Claims = self
            .links
            .seal
            .open(token)
            .map_err(|_| invalid("it is cut short, or it was revoked; ask for a new one"))?;
        if claims.expires_at <= now() {
            return Err(invalid("it has expired; ask for a new one"));
        }
        let destination = self.destinations.in_bucket(&claims.destination, &claims.bucket);
        let destination = destination
            .filter(|destination| destination.policy.allows(Operation::Get, &Scope::default()))
            .ok_or_else(|| invalid("what it leads to is not shared any more"))?;
        let subject = Subject::new(claims.subject)?;
        let reached = Reached { destination, key: &claims.key, version_id: claims.version_id.as_deref() };
        let content = self.lead(&subject, reached, method, &claims.response, Some(URL_SECONDS)).await;
        destination.metrics.objects("follow", outcome(&content), 1);
        content
    }
}

/// Returns the time in seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}
