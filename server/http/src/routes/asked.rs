//! Reads a call of the API, with a body or a query. A body is read in the one safe order: the page that sends it, then the caller, and only then the body.
//!
//! actix runs a handler's extractors concurrently, so a body could be read, and held in memory, before it is known
//! whether the caller may send one. This is the only place that reads bodies, and it does so last.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::{Data, Query};
use actix_web::{FromRequest, HttpRequest};
use partway_shared::error::{ErrorCode, Problem};
use serde::de::DeserializeOwned;

use crate::caller::Caller;
use crate::cross_site;
use crate::excerpt::excerpt;
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

/// Returns what a request asks for in its query.
pub(super) fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    let read = Query::<T>::from_query(request.query_string()).map_err(|error| {
        let text = error.to_string();
        let text = text.strip_prefix("Query deserialize error: ").unwrap_or(&text);
        let code =
            if text.starts_with("unknown field") { ErrorCode::UnknownField } else { ErrorCode::InvalidField };
        Problem::new(code, excerpt(text))
    });
    Ok(read?.into_inner())
}
