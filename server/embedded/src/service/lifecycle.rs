//! Owns buckets' lifecycle rules: which of S3's are supported, how answers show them, and when they run.

use std::time::Duration;

use s3s::dto::{
    AbortIncompleteMultipartUpload, DeleteBucketLifecycleInput, DeleteBucketLifecycleOutput,
    ExpirationStatus, GetBucketLifecycleConfigurationInput, GetBucketLifecycleConfigurationOutput,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, PutBucketLifecycleConfigurationInput,
    PutBucketLifecycleConfigurationOutput,
};
use s3s::{S3Request, S3Response};

use super::Service;
use crate::contents::ContentId;
use crate::errors::Error;
use crate::index::LifecycleRule as Rule;
use crate::index::now_ms;

/// How often the rules run. S3 runs them once a day.
const INTERVAL: Duration = Duration::from_secs(600);

/// Runs the rules until it is dropped.
pub(crate) async fn run(service: Service) {
    loop {
        match service.tidy(now_ms()).await {
            Ok(0) => {}
            Ok(gone) => {
                tracing::info!(gone, "removed uploads and objects that a lifecycle rule says are too old");
            }
            Err(error) => tracing::error!(?error, "lifecycle rules were not carried out"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

impl Service {
    async fn tidy(&self, now_ms: u64) -> Result<usize, Error> {
        self.index.write(None, move |txn| txn.tidy(now_ms)).await
    }
}

pub(super) async fn get_bucket_lifecycle_configuration(
    service: &Service,
    request: S3Request<GetBucketLifecycleConfigurationInput>,
) -> Result<S3Response<GetBucketLifecycleConfigurationOutput>, Error> {
    let rules = service.index.read(move |snapshot| snapshot.lifecycle(&request.input.bucket)).await?;
    if rules.is_empty() {
        return Err(Error::NotSet {
            code: "NoSuchLifecycleConfiguration",
            what: "the lifecycle configuration",
        });
    }
    let rules = Some(rules.into_iter().map(shown).collect());
    Ok(S3Response::new(GetBucketLifecycleConfigurationOutput { rules, ..Default::default() }))
}

pub(super) async fn put_bucket_lifecycle_configuration(
    service: &Service,
    request: S3Request<PutBucketLifecycleConfigurationInput>,
) -> Result<S3Response<PutBucketLifecycleConfigurationOutput>, Error> {
    let input = request.input;
    let rules = input.lifecycle_configuration.map(|configuration| configuration.rules).unwrap_or_default();
    if rules.is_empty() {
        return Err(Error::MalformedXml("a lifecycle configuration has at least one rule".to_owned()));
    }
    let rules = rules.into_iter().map(understood).collect::<Result<Vec<_>, _>>()?;
    service.index.write(None, move |txn| txn.set_lifecycle(&input.bucket, &rules)).await?;
    Ok(S3Response::new(PutBucketLifecycleConfigurationOutput::default()))
}

pub(super) async fn delete_bucket_lifecycle(
    service: &Service,
    request: S3Request<DeleteBucketLifecycleInput>,
) -> Result<S3Response<DeleteBucketLifecycleOutput>, Error> {
    service.index.write(None, move |txn| txn.set_lifecycle(&request.input.bucket, &Vec::new())).await?;
    Ok(S3Response::new(DeleteBucketLifecycleOutput::default()))
}

/// Parses a rule, if all of it is supported.
fn understood(rule: LifecycleRule) -> Result<Rule, Error> {
    let others = rule.noncurrent_version_expiration.is_some()
        || rule.noncurrent_version_transitions.is_some_and(|transitions| !transitions.is_empty())
        || rule.transitions.is_some_and(|transitions| !transitions.is_empty())
        || rule.expiration.as_ref().is_some_and(|expiration| expiration.days.is_none());
    let by_more_than_prefix = rule.filter.as_ref().is_some_and(|filter| {
        filter.and.is_some()
            || filter.tag.is_some()
            || filter.object_size_greater_than.is_some()
            || filter.object_size_less_than.is_some()
    });
    if others || by_more_than_prefix {
        return Err(Error::NotImplemented(
            "carried out are AbortIncompleteMultipartUpload and Expiration after days, for a prefix"
                .to_owned(),
        ));
    }
    let days = |days: Option<i32>, what: &str| {
        let days = days.and_then(|days| u32::try_from(days).ok()).filter(|days| *days > 0);
        days.ok_or_else(|| Error::InvalidArgument(format!("the days of {what} must be 1 or more")))
    };
    let abort = rule.abort_incomplete_multipart_upload;
    let abort = abort.map(|abort| days(abort.days_after_initiation, "AbortIncompleteMultipartUpload"));
    let expire = rule.expiration.map(|expiration| days(expiration.days, "Expiration"));
    let (abort_after_days, expire_after_days) = (abort.transpose()?, expire.transpose()?);
    if abort_after_days.is_none() && expire_after_days.is_none() {
        return Err(Error::InvalidRequest("At least one action needs to be specified in a rule.".to_owned()));
    }
    let enabled = match rule.status.as_str() {
        ExpirationStatus::ENABLED => true,
        ExpirationStatus::DISABLED => false,
        _ => return Err(Error::MalformedXml("a rule's status is Enabled or Disabled".to_owned())),
    };
    let id = match rule.id.filter(|id| !id.is_empty()) {
        Some(id) => id,
        None => format!("{:032x}", ContentId::random()?.0),
    };
    let prefix = rule.filter.and_then(|filter| filter.prefix).or(rule.prefix).unwrap_or_default();
    Ok(Rule { id, prefix, enabled, abort_after_days, expire_after_days })
}

fn shown(rule: Rule) -> LifecycleRule {
    let days = |days: u32| i32::try_from(days).ok();
    let status = if rule.enabled { ExpirationStatus::ENABLED } else { ExpirationStatus::DISABLED };
    LifecycleRule {
        abort_incomplete_multipart_upload: rule
            .abort_after_days
            .map(|after| AbortIncompleteMultipartUpload { days_after_initiation: days(after) }),
        expiration: rule
            .expire_after_days
            .map(|after| LifecycleExpiration { days: days(after), ..Default::default() }),
        filter: Some(LifecycleRuleFilter { prefix: Some(rule.prefix), ..Default::default() }),
        id: Some(rule.id),
        noncurrent_version_expiration: None,
        noncurrent_version_transitions: None,
        prefix: None,
        status: ExpirationStatus::from_static(status),
        transitions: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksums::Kind;
    use crate::index::{About, UploadQuery};
    use crate::options::{Options, Origins};
    use crate::{Store, index};

    const DAY_MS: u64 = 24 * 60 * 60 * 1000;

    #[tokio::test]
    async fn what_a_rule_says_is_too_old_goes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Options {
            data_dir: folder.path().to_owned(),
            access_key: "a".to_owned(),
            secret_key: "s".to_owned().into(),
            region: "us-east-1".to_owned(),
            buckets: vec!["uploads".to_owned()],
            allowed_origins: Origins::Any,
            max_bytes: None,
            body_timeout: Duration::from_secs(60),
        });
        let service = store.unwrap().into_service();
        let started = now_ms();
        for (key, id) in [("old/a", "1"), ("old/b", "2"), ("kept/a", "3")] {
            let initiated_ms = if key == "old/b" { started + DAY_MS } else { started };
            let upload = index::Upload { initiated_ms, spec: None, about: About::default() };
            let create = move |txn: &mut index::Txn<'_>| txn.create_upload(("uploads", key, id), &upload);
            service.index.write(None, create).await.unwrap();
        }
        let rules = [("old/", true), ("kept/", false)].map(|(prefix, enabled)| Rule {
            id: prefix.to_owned(),
            prefix: prefix.to_owned(),
            enabled,
            abort_after_days: Some(7),
            expire_after_days: Some(30),
        });
        service.index.write(None, move |txn| txn.set_lifecycle("uploads", &rules.to_vec())).await.unwrap();
        let left = || async {
            let query = UploadQuery { bucket: "uploads".to_owned(), limit: 10, ..Default::default() };
            let (uploads, _) =
                service.index.read(move |snapshot| snapshot.list_uploads(&query)).await.unwrap();
            uploads.iter().map(|upload| upload.name().to_owned()).collect::<Vec<_>>()
        };
        for key in ["old/object", "kept/object", "other/object"] {
            let object = index::Object {
                body: index::Body::Empty,
                size: 0,
                etag: String::new(),
                modified_ms: started + DAY_MS,
                checksums: Default::default(),
                checksum_kind: Kind::FullObject,
                about: About::default(),
            };
            let put = move |txn: &mut index::Txn<'_>| txn.put(("uploads", key), &Default::default(), &object);
            service.index.write(None, put).await.unwrap();
        }
        assert_eq!(service.tidy(started + 7 * DAY_MS - 1).await.unwrap(), 0);
        assert_eq!(service.tidy(started + 7 * DAY_MS).await.unwrap(), 1);
        assert_eq!(left().await, ["kept/a", "old/b"]);
        assert_eq!(service.tidy(started + 31 * DAY_MS - 1).await.unwrap(), 1);
        assert_eq!(left().await, ["kept/a"]);
        assert_eq!(service.tidy(started + 31 * DAY_MS).await.unwrap(), 1);
        let there = |key| service.index.read(move |snapshot| snapshot.object("uploads", key));
        assert!(matches!(there("old/object").await, Err(Error::NoSuchKey)));
        assert!(there("kept/object").await.is_ok() && there("other/object").await.is_ok());
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused() {
        let rule = |days| LifecycleRule {
            abort_incomplete_multipart_upload: Some(AbortIncompleteMultipartUpload {
                days_after_initiation: days,
            }),
            expiration: None,
            filter: None,
            id: None,
            noncurrent_version_expiration: None,
            noncurrent_version_transitions: None,
            prefix: Some("old/".to_owned()),
            status: ExpirationStatus::from_static(ExpirationStatus::ENABLED),
            transitions: None,
        };
        assert_eq!(understood(rule(Some(7))).unwrap().prefix, "old/");
        assert!(matches!(understood(rule(Some(0))), Err(Error::InvalidArgument(_))));
        assert!(matches!(understood(rule(None)), Err(Error::InvalidArgument(_))));
        let expiring = |expiration| LifecycleRule { expiration: Some(expiration), ..rule(Some(7)) };
        let after = |days| LifecycleExpiration { days: Some(days), ..Default::default() };
        assert_eq!(understood(expiring(after(3))).unwrap().expire_after_days, Some(3));
        assert!(matches!(understood(expiring(after(0))), Err(Error::InvalidArgument(_))));
        assert!(matches!(understood(expiring(Default::default())), Err(Error::NotImplemented(_))));
        let nothing = LifecycleRule { abort_incomplete_multipart_upload: None, ..rule(None) };
        assert!(matches!(understood(nothing), Err(Error::InvalidRequest(_))));
    }
}
