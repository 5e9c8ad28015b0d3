//! Authentication of callers, and the scope of their credentials.
//!
//! A request is authenticated here, once, before anything else looks at it. [`Identify`] is how: not at all
//! (`anyone`), by a bearer token (`jwt`), or by the application (`forward`). What a caller may upload is decided
//! elsewhere, from the scope that comes with the identity.

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

use crate::caller::Caller;
use crate::config::{IdentityConfig, IdentityKind};
use crate::problem::Refusal;
use crate::quotas::Quotas;

pub use anyone::Anyone;
pub use forward::Forward;
pub use jwt::Jwt;

/// Authentication of requests.
///
/// An application that mounts Partway implements it over its own sessions.
#[async_trait(?Send)]
pub trait Identify: Send + Sync {
    /// Returns the caller, or why there is none: [`ErrorCode::CredentialsMissing`] and the like.
    async fn identify(&self, request: &HttpRequest) -> Result<Caller, Problem>;
}

/// The identity that requests are authenticated by, in the app's data.
pub(crate) struct Identity {
    pub(crate) identify: Arc<dyn Identify>,
    pub(crate) quotas: Arc<Quotas>,
}

/// Creates the identity that is configured.
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
            identity.quotas.request(&caller.subject).await?;
            Ok(caller)
        })
    }
}
