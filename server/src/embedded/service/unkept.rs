//! Owns the refusal of what the store would have to ignore: a client that asks for encryption, a
//! lock or public access must not believe that it got them.

use crate::embedded::errors::Error;

/// Refuses an input that asks for something the store does not have.
macro_rules! refuse_unkept {
    ($input:expr) => {
        $crate::embedded::service::unkept::refuse(
            $input.server_side_encryption.is_some()
                || $input.ssekms_key_id.is_some()
                || $input.sse_customer_algorithm.is_some()
                || $input.sse_customer_key.is_some(),
            "encryption",
        )?;
        $crate::embedded::service::unkept::refuse(
            $input.object_lock_mode.is_some()
                || $input.object_lock_legal_hold_status.is_some()
                || $input.object_lock_retain_until_date.is_some(),
            "object lock",
        )?;
        let acl = $input.acl.as_ref().map(s3s::dto::ObjectCannedACL::as_str);
        $crate::embedded::service::unkept::refuse(
            $input.grant_full_control.is_some()
                || $input.grant_read.is_some()
                || $input.grant_read_acp.is_some()
                || $input.grant_write_acp.is_some()
                || acl.is_some_and(|acl| acl != "private" && !acl.starts_with("bucket-owner-")),
            "access for others (ACL)",
        )?;
    };
}
pub(super) use refuse_unkept;

pub(super) fn refuse(asked: bool, what: &str) -> Result<(), Error> {
    if asked { Err(Error::NotImplemented(format!("the store has no {what}"))) } else { Ok(()) }
}
