//! What removes the parts of uploads that nobody finished.

use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule,
    LifecycleRuleFilter,
};

use super::report::{Outcome, Section, StoreReport};
use crate::store::StoreError;
use crate::store::named::NamedStore;

const CHECK: &str = "lifecycle rule";
/// The name of the rule that `--fix` writes.
const RULE: &str = "partway";
const DAY: u64 = 24 * 60 * 60;

pub(super) async fn examine(named: &NamedStore, fix: bool, report: &mut StoreReport) {
    let sweeps = if named.is_swept {
        "the server sweeps every sweep.interval"
    } else {
        "the server does not; sweep.enabled = true makes it"
    };
    report.add(
        Section::Cleanup,
        "sweep",
        if named.is_swept { Outcome::Ok } else { Outcome::Skipped },
        sweeps,
    );
    let rules = match read(named).await {
        Ok(rules) => rules,
        Err(StoreError::Misbehaved(why)) if why.starts_with("501") => {
            let outcome = if named.is_swept { Outcome::Skipped } else { Outcome::Warning };
            report.add(Section::Cleanup, CHECK, outcome, "the store has none");
            return;
        }
        Err(error) => {
            report
                .add(Section::Cleanup, CHECK, Outcome::Warning, format!("cannot be read: {error}"))
                .remedy("Allow s3:GetLifecycleConfiguration.");
            return;
        }
    };
    let found = judge(&rules, &named.key_prefix, named.token_lifetime);
    if found.0 == Outcome::Ok || !fix {
        let finding = report.add(Section::Cleanup, CHECK, found.0, found.1);
        if found.0 != Outcome::Ok {
            finding.remedy("`partway doctor --fix` writes one.");
        }
        return;
    }
    match write(named, rules).await {
        Ok(()) => {
            let rules = read(named).await.unwrap_or_default();
            let (outcome, detail) = judge(&rules, &named.key_prefix, named.token_lifetime);
            report.add(Section::Cleanup, CHECK, outcome, format!("{detail} (written now)"));
        }
        Err(error) => {
            report
                .add(Section::Cleanup, CHECK, found.0, found.1)
                .remedy(format!("It cannot be written: {error}. Allow s3:PutLifecycleConfiguration."));
        }
    }
}

async fn read(named: &NamedStore) -> Result<Vec<LifecycleRule>, StoreError> {
    match named.store.client().get_bucket_lifecycle_configuration().bucket(&named.bucket).send().await {
        Ok(found) => Ok(found.rules.unwrap_or_default()),
        Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a rule is for these keys, and leaves uploads the time that they have.
fn judge(rules: &[LifecycleRule], prefix: &str, lifetime: Duration) -> (Outcome, String) {
    let ours = rules.iter().filter(|rule| rule.status == ExpirationStatus::Enabled).filter_map(|rule| {
        let days = rule.abort_incomplete_multipart_upload.as_ref()?.days_after_initiation?;
        (prefix.starts_with(&of_prefix(rule)?)).then(|| u64::try_from(days).unwrap_or_default())
    });
    match ours.min() {
        None => (Outcome::Warning, "none removes the parts of uploads that nobody finished".to_owned()),
        Some(days) if days * DAY < lifetime.as_secs() => (
            Outcome::Failure,
            format!(
                "it removes uploads after {days} days, and they can be resumed for {}",
                in_days(lifetime)
            ),
        ),
        Some(days) => (Outcome::Ok, format!("incomplete uploads are removed after {days} days")),
    }
}

/// The prefix of a rule that looks at nothing else.
fn of_prefix(rule: &LifecycleRule) -> Option<String> {
    #[allow(deprecated, reason = "stores still answer with it")]
    let old = rule.prefix.clone();
    match &rule.filter {
        None => Some(old.unwrap_or_default()),
        Some(filter) if filter.tag.is_none() && filter.and.is_none() => {
            Some(filter.prefix.clone().or(old).unwrap_or_default())
        }
        Some(_) => None,
    }
}

/// Adds a rule, or replaces the one of the last time; rules of others stay.
async fn write(named: &NamedStore, mut rules: Vec<LifecycleRule>) -> Result<(), StoreError> {
    let unbuildable = |error: &dyn std::fmt::Display| StoreError::Misbehaved(error.to_string());
    rules.retain(|rule| rule.id.as_deref() != Some(RULE));
    let days = i32::try_from(days_for(named.token_lifetime)).unwrap_or(i32::MAX);
    let rule = LifecycleRule::builder()
        .id(RULE)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix(&named.key_prefix).build())
        .abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build(),
        )
        .build()
        .map_err(|error| unbuildable(&error))?;
    rules.push(rule);
    let rules = BucketLifecycleConfiguration::builder()
        .set_rules(Some(rules))
        .build()
        .map_err(|error| unbuildable(&error))?;
    let client = named.store.client();
    let request = client.put_bucket_lifecycle_configuration().bucket(&named.bucket);
    request.lifecycle_configuration(rules).send().await?;
    Ok(())
}

/// Whole days, and one more: stores look once a day, and round down.
const fn days_for(lifetime: Duration) -> u64 {
    lifetime.as_secs().div_ceil(DAY) + 1
}

fn in_days(lifetime: Duration) -> String {
    format!("{:.1} days", lifetime.as_secs_f64() / DAY as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(prefix: &str, days: i32) -> LifecycleRule {
        LifecycleRule::builder()
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
            .abort_incomplete_multipart_upload(
                AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build(),
            )
            .build()
            .unwrap()
    }

    #[test]
    fn a_rule_has_to_be_for_the_keys_and_patient_enough() {
        let week = Duration::from_secs(7 * DAY);
        let judged = |rules: &[LifecycleRule]| judge(rules, "in/", week).0;
        assert_eq!(judged(&[]), Outcome::Warning);
        assert_eq!(judged(&[rule("out/", 8)]), Outcome::Warning);
        assert_eq!(judged(&[rule("in/pictures/", 8)]), Outcome::Warning, "that is not all of them");
        assert_eq!(judged(&[rule("", 8)]), Outcome::Ok);
        assert_eq!(judged(&[rule("in/", 7)]), Outcome::Ok);
        assert_eq!(judged(&[rule("in/", 8), rule("", 1)]), Outcome::Failure, "the impatient one wins");
        assert_eq!(days_for(week), 8);
        assert_eq!(days_for(Duration::from_secs(60)), 2);
    }
}
