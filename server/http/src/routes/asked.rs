//! Reads a call of the API in the one safe order: the page that sends it, then the caller, and only then the body.
//!
//! actix runs a handler's extractors concurrently, so a body could be read, and held in memory, before it is known
//! whether the caller may send one. This is the only place that reads bodies, and it does so last.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use partway_shared::error::{ErrorCode, Problem};
use serde::de::DeserializeOwned;

use crate::caller::Caller;
use crate::cross_site;
use crate::json::Bodies;
use crate::problem::Refusal;

/// A caller and its request.
pub(crate) struct Asked<T> {
    pub(crate) caller: Caller,
    pub(crate) request: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for Asked<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            cross_site::check(&request)?;
            let caller = Caller::extract(&request).await?;
            let bodies = request.app_data::<Data<Bodies>>().ok_or_else(|| {
                Problem::new(ErrorCode::Internal, "the routes are mounted without a reader of bodies")
            })?;
            let bodies = Arc::clone(bodies);
            Ok(Self { caller, request: bodies.read(&request, payload).await? })
        })
    }
}
