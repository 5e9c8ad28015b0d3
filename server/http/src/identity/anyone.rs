//! No authentication, for loopback, or behind a proxy that authenticates.

use actix_web::HttpRequest;
use async_trait::async_trait;
use partway_shared::error::Problem;

use super::Identify;
use crate::caller::{Caller, Subject};

/// An identity that takes all callers for the same subject.
#[derive(Clone, Copy, Debug)]
pub struct Anyone;

#[async_trait(?Send)]
impl Identify for Anyone {
    async fn identify(&self, _: &HttpRequest) -> Result<Caller, Problem> {
        Ok(Caller::new(Subject::anyone()))
    }
}
