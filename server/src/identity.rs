//! Who asks. So far nobody has to say: the server listens on loopback alone.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::problem::Refusal;

/// Whoever makes a request. An upload belongs to its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(pub String);

impl Subject {
    /// The one subject of a server without identities.
    #[must_use]
    pub fn anyone() -> Self {
        Self("anyone".to_owned())
    }
}

impl FromRequest for Subject {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::anyone()))
    }
}
