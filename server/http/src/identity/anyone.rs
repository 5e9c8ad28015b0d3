//! Nobody has to say who they are. For loopback, or behind something that has asked already.

use actix_web::HttpRequest;
use async_trait::async_trait;
use partway_shared::error::Problem;

use super::Identify;
use crate::caller::{Caller, Subject};

/// Takes everybody for the same.
#[derive(Clone, Copy, Debug)]
pub struct Anyone;

#[async_trait(?Send)]
impl Identify for Anyone {
    async fn identify(&self, _: &HttpRequest) -> Result<Caller, Problem> {
        Ok(Caller::new(Subject::anyone()))
    }
}
