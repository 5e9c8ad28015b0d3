//! Has the SDK's requests say the terms of their bucket, before they are signed.

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;

use crate::terms::RequestTerms;

/// Adds the headers of the terms.
#[derive(Debug)]
pub(super) struct SayTerms(pub(super) RequestTerms);

impl Intercept for SayTerms {
    fn name(&self) -> &'static str {
        "RequestTerms"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        for (name, value) in self.0.headers() {
            context.request_mut().headers_mut().try_insert(name, value.to_owned())?;
        }
        Ok(())
    }
}
