//! What a store's refusal means to somebody who holds the credentials.
//!
//! A server tells its clients less: what is wrong with its credentials is none of their business.

use partway_s3::discover::CredentialsError;
use partway_s3::error_chain::describe;
use partway_s3::store::StoreError;
use partway_server::stores::OpenStoresError;
use partway_shared::error::{ErrorCode, Problem};

/// How to give credentials.
const HOW: &str =
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws with --profile";

/// Says in a problem what the store said, by the bucket that it said it of.
pub(super) fn explain(problem: &mut Problem, heard: &[(String, StoreError)]) {
    let said = heard.iter().find_map(|(bucket, error)| match (problem.code, error) {
        (ErrorCode::StoreDenied, StoreError::Denied(said)) => Some(denied(said, bucket)),
        (ErrorCode::StoreDenied, StoreError::OtherRegion(region)) => Some(format!(
            "the bucket {bucket} says that it is in the region {region}, and refuses requests that are signed for that region"
        )),
        (ErrorCode::StoreUnavailable, StoreError::Unavailable { said, .. }) => {
            Some(format!("the store of the bucket {bucket} does not answer as it should: {}", reason(said)))
        }
        (ErrorCode::StoreMisbehaved, StoreError::Misbehaved(said)) => {
            Some(format!("the store of the bucket {bucket} answered {said}"))
        }
        (ErrorCode::StoreFull, StoreError::Full(said)) => {
            Some(format!("the store of the bucket {bucket} has no space left: {said}"))
        }
        _ => None,
    });
    if let Some(said) = said {
        problem.detail = said;
    }
}

/// Returns whether a refusal says that there is no such bucket.
pub(super) fn is_no_bucket(error: &StoreError) -> bool {
    matches!(error, StoreError::Denied(said) if said.contains("NoSuchBucket"))
}

/// Returns whether a refusal says nothing but its status, as the answer to a HEAD has to.
pub(super) fn is_wordless(error: &StoreError) -> bool {
    matches!(error, StoreError::Denied(said) if said.trim().bytes().all(|b| b.is_ascii_digit()))
}

fn denied(said: &str, bucket: &str) -> String {
    // `403 AccessDenied Access Denied`
    let mut words = said.splitn(3, ' ').skip(1);
    let (code, message) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match code {
        "InvalidAccessKeyId" => {
            format!("the store does not know the access key id (InvalidAccessKeyId); {HOW}, and look whether they are for this store")
        }
        "SignatureDoesNotMatch" => {
            "the secret access key is not the one that belongs to the access key id (SignatureDoesNotMatch)".to_owned()
        }
        "ExpiredToken" | "ExpiredTokenException" => {
            format!("the session credentials have expired ({code}); sign in again, or get new ones")
        }
        "InvalidToken" => "the session token is not valid (InvalidToken); AWS_SESSION_TOKEN must be of the same session as the keys".to_owned(),
        "RequestTimeTooSkewed" => {
            "this machine's clock differs from the store's by more than 15 minutes (RequestTimeTooSkewed); set it right".to_owned()
        }
        "NoSuchBucket" => format!("there is no bucket {bucket} (NoSuchBucket)"),
        "" => format!("the credentials may not do this in the bucket {bucket}: the store refused without a reason ({said})"),
        _ => {
            let message = message.trim_end_matches('.');
            format!("the credentials may not do this in the bucket {bucket}: {message} ({code})")
        }
    }
}

/// Says why a bucket cannot be opened.
pub(super) fn no_access(error: &OpenStoresError) -> String {
    match error {
        OpenStoresError::NoCredentials { .. } => no_credentials_at_all(),
        OpenStoresError::Endpoints { error, .. } => format!("the endpoint cannot be used: {error}"),
        other => other.to_string(),
    }
}

/// Says why there are no credentials.
pub(super) fn no_credentials(error: &CredentialsError, profile: Option<&str>) -> String {
    match (error, profile) {
        (CredentialsError::CredentialsNotLoaded(_), Some(profile)) => format!(
            "the profile {profile} has no credentials: neither ~/.aws/credentials nor ~/.aws/config has any under its name"
        ),
        // What it lists is all that it has looked at.
        (CredentialsError::CredentialsNotLoaded(_), None) => no_credentials_at_all(),
        _ => format!("the credentials for the store cannot be had: {}", trimmed(&describe(error))),
    }
}

fn no_credentials_at_all() -> String {
    format!("there are no credentials for the store: {HOW}")
}

fn trimmed(text: &str) -> &str {
    text.trim_end_matches('.')
}

/// Returns why there is no answer, without the layers through which it was told.
fn reason(said: &str) -> &str {
    let layers = [
        "dispatch failure: ",
        "io error: ",
        "timeout: ",
        "other: ",
        "client error (Connect): ",
        "tcp connect error: ",
    ];
    let mut reason = said;
    while let Some(rest) = layers.iter().find_map(|layer| reason.strip_prefix(layer)) {
        reason = rest;
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_to_do() {
        let explained = |said: &str| {
            let mut problem = Problem::new(ErrorCode::StoreDenied, "");
            explain(&mut problem, &[("photos".to_owned(), StoreError::Denied(said.to_owned()))]);
            problem.detail
        };
        for (said, expected) in [
            ("403 InvalidAccessKeyId The key does not exist", "does not know the access key id"),
            ("403 SignatureDoesNotMatch It does not match", "the secret access key is not the one"),
            ("400 ExpiredToken The token has expired.", "have expired"),
            ("403 RequestTimeTooSkewed too large", "clock"),
            ("404 NoSuchBucket none", "there is no bucket photos"),
            ("403 AccessDenied Access Denied.", "in the bucket photos: Access Denied (AccessDenied)"),
            ("403", "refused without a reason (403)"),
        ] {
            assert!(explained(said).contains(expected), "{said}: {}", explained(said));
        }
    }

    #[test]
    fn no_answer_has_a_reason() {
        let said = "dispatch failure: io error: client error (Connect): tcp connect error: Connection refused (os error 111)";
        assert_eq!(reason(said), "Connection refused (os error 111)");
        assert_eq!(reason("503 SlowDown"), "503 SlowDown");
    }

    #[test]
    fn a_head_says_nothing() {
        assert!(is_wordless(&StoreError::Denied("403".to_owned())));
        assert!(!is_wordless(&StoreError::Denied("403 AccessDenied".to_owned())));
    }
}
