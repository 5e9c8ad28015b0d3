//! Owns the refusal of features that the store does not support: a client that asks for encryption with its own key, or for
//! an object lock, must not believe that it got them.

use crate::errors::Error;

/// Refuses an input that asks for an unsupported feature.
macro_rules! refuse_unsupported {
    ($input:expr) => {
        $crate::service::unsupported::refuse(
            $input.ssekms_key_id.is_some()
                || $input.sse_customer_algorithm.is_some()
                || $input.sse_customer_key.is_some(),
            "encryption with keys",
        )?;
        $crate::service::unsupported::refuse(
            $input.object_lock_mode.is_some()
                || $input.object_lock_legal_hold_status.is_some()
                || $input.object_lock_retain_until_date.is_some(),
            "object lock",
        )?;
        $crate::service::acl::check(
            $input.acl.as_ref().map(s3s::dto::ObjectCannedACL::as_str),
            $input.grant_full_control.is_some()
                || $input.grant_read.is_some()
                || $input.grant_read_acp.is_some()
                || $input.grant_write_acp.is_some(),
        )?;
    };
}
pub(super) use refuse_unsupported;

pub(super) fn refuse(asked: bool, what: &str) -> Result<(), Error> {
    if asked { Err(Error::NotImplemented(format!("the store has no {what}"))) } else { Ok(()) }
}
