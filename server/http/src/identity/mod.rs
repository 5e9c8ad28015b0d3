//! Who asks, and what they may do less than others.
//!
//! A request's identity is found out here, once, before anything else looks at it. How is behind [`Identify`]: nobody
//! has to say (`anyone`), a bearer token says (`jwt`), or the application does (`forward`). What a caller may upload is
//! decided elsewhere, from the [`Limits`] that come with the identity.

mod anyone;
mod crypto;
mod forward;
mod jwks;
mod jwt;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use async_trait::async_trait;
use partway_shared::error::{ErrorCode, Problem};

use crate::config::{IdentityConfig, IdentityKind};
use crate::limits::Limiter;
use crate::policy::{Limits, SaidBy};
use crate::problem::Refusal;

pub use anyone::Anyone;
pub use forward::Forward;
pub use jwt::{Jwt, StaticKey};

/// The longest subject, in bytes.
const MAX_SUBJECT: usize = 256;

/// Whose uploads are whose. An upload belongs to its subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

impl Subject {
    /// A subject as an identity names it.
    ///
    /// # Errors
    /// [`ErrorCode::CredentialsInvalid`] for one that is empty, too long, or has control characters.
    pub fn new(name: impl Into<String>) -> Result<Self, Problem> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX_SUBJECT || name.chars().any(char::is_control) {
            let why = format!("a subject has 1 to {MAX_SUBJECT} bytes and no control characters");
            return Err(Problem::new(ErrorCode::CredentialsInvalid, why));
        }
        Ok(Self(name))
    }

    /// The one subject of a server without identities.
    #[must_use]
    pub fn anyone() -> Self {
        Self("anyone".to_owned())
    }

    /// As the identity names it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whoever makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose uploads it creates, and may go on with.
    pub subject: Subject,
    /// What it may do less than its subject.
    pub limits: Limits,
    /// What it came with, if that is counted.
    pub ticket: Option<Ticket>,
}

/// Credentials whose uses are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Different for each.
    pub id: String,
    /// When it need not be counted any longer, in seconds since 1970.
    pub expires_at: u64,
}

impl Caller {
    /// A caller who may do all that the subject may.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        Self { subject, limits: Limits::default(), ticket: None }
    }
}

impl Caller {
    /// Whether what it may do less can be kept; an application that mounts Partway may say anything.
    fn check(&self) -> Result<(), Problem> {
        let by = if self.ticket.is_some() { SaidBy::Ticket } else { SaidBy::Application };
        self.limits.check(by).map_err(|why| {
            tracing::error!(why, "the limits that the application says of a caller cannot be kept");
            let why = "the application says limits that cannot be kept; the server's log says more";
            Problem::new(ErrorCode::IdentityUnavailable, why)
        })
    }
}

/// Finds out who makes a request.
///
/// An application that mounts Partway implements it over its own sessions.
#[async_trait(?Send)]
pub trait Identify: Send + Sync {
    /// Who it is, or why that cannot be said: [`ErrorCode::CredentialsMissing`] and the like.
    async fn identify(&self, request: &HttpRequest) -> Result<Caller, Problem>;
}

/// The identity that requests are checked by, as app data.
pub(crate) struct Identity {
    pub(crate) identify: Arc<dyn Identify>,
    pub(crate) limiter: Arc<Limiter>,
}

/// The identity as configured.
///
/// # Errors
/// When its key cannot be read.
pub fn configured(config: &IdentityConfig) -> Result<Arc<dyn Identify>, String> {
    Ok(match config.kind {
        IdentityKind::None => Arc::new(Anyone),
        IdentityKind::Jwt => Arc::new(Jwt::new(&config.jwt)?),
        IdentityKind::Forward => Arc::new(Forward::new(&config.forward)?),
    })
}

impl FromRequest for Caller {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let identity = request.app_data::<Data<Identity>>().cloned().ok_or_else(|| {
                Problem::new(ErrorCode::Internal, "the routes are mounted without an identity")
            })?;
            let caller = identity.identify.identify(&request).await?;
            caller.check()?;
            identity.limiter.request(&caller.subject).await?;
            Ok(caller)
        })
    }
}
