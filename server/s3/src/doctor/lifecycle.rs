//! Checks what removes unfinished uploads: parts, and files that wait to be completed.

use std::time::Duration;

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, NoncurrentVersionExpiration,
};

use super::report::{Outcome, Section, StoreReport};
use crate::bucket::{Bucket, Sweeping};
use crate::store::StoreError;
use crate::store::namespace::NAMESPACE;

const OF_PARTS: &str = "lifecycle rule";
const OF_FILES: &str = "lifecycle rule, waiting files";
/// The names of the rules that `--fix` writes.
const RULE: &str = "partway";
const FILES_RULE: &str = "partway-waiting-files";
const DAY: u64 = 24 * 60 * 60;

type Judgement = (&'static str, Outcome, String);

pub(super) async fn examine(bucket: &Bucket, fix: bool, report: &mut StoreReport) {
    let (outcome, sweeps) = match bucket.sweeping {
        Sweeping::Everything => (Outcome::Ok, "the server sweeps every sweep.interval"),
        Sweeping::OwnFiles => (
            Outcome::Skipped,
            "the server sweeps waiting files alone; sweep.enabled = true makes it sweep uploads in parts too",
        ),
        Sweeping::Nothing => (Outcome::Skipped, "the server does not; sweep.enabled = true makes it"),
    };
    report.add(Section::Cleanup, "sweep", outcome, sweeps);
    let rules = match bucket.store.lifecycle_rules().await {
        Ok(rules) => rules,
        Err(StoreError::Misbehaved(why)) if why.starts_with("501") => {
            let outcome =
                if bucket.sweeping == Sweeping::Everything { Outcome::Skipped } else { Outcome::Warning };
            report.add(Section::Cleanup, OF_PARTS, outcome, "the store has none");
            return;
        }
        Err(error) => {
            report
                .add(Section::Cleanup, OF_PARTS, Outcome::Warning, format!("cannot be read: {error}"))
                .remedy("Allow s3:GetLifecycleConfiguration.");
            return;
        }
    };
    let found = judge_both(bucket, &rules);
    if !fix || found.iter().all(|(_, outcome, _)| *outcome == Outcome::Ok) {
        for (check, outcome, detail) in found {
            let finding = report.add(Section::Cleanup, check, outcome, detail);
            if outcome != Outcome::Ok {
                finding.remedy("`partway doctor --fix` writes one.");
            }
        }
        return;
    }
    match write(bucket, rules).await {
        Ok(()) => {
            let rules = bucket.store.lifecycle_rules().await.unwrap_or_default();
            for (check, outcome, detail) in judge_both(bucket, &rules) {
                report.add(Section::Cleanup, check, outcome, format!("{detail} (written now)"));
            }
        }
        Err(error) => {
            for (check, outcome, detail) in found {
                let remedy = format!("It cannot be written: {error}. Allow s3:PutLifecycleConfiguration.");
                report.add(Section::Cleanup, check, outcome, detail).remedy(remedy);
            }
        }
    }
}

fn judge_both(bucket: &Bucket, rules: &[LifecycleRule]) -> [Judgement; 2] {
    let lifetime = bucket.token_lifetime;
    let parts = match judge(rules, &bucket.key_prefix, lifetime) {
        (Outcome::Warning, _) if bucket.sweeping == Sweeping::Everything => {
            (OF_PARTS, Outcome::Skipped, "none; the server sweeps them".to_owned())
        }
        (outcome, detail) => (OF_PARTS, outcome, detail),
    };
    let files = match judge_files(rules, &own_prefix(bucket), lifetime) {
        (Outcome::Warning, _) if bucket.sweeping != Sweeping::Nothing => {
            (OF_FILES, Outcome::Skipped, "none; the server sweeps them".to_owned())
        }
        (outcome, detail) => (OF_FILES, outcome, detail),
    };
    [parts, files]
}

fn own_prefix(bucket: &Bucket) -> String {
    [&bucket.key_prefix, NAMESPACE].concat()
}

/// Whether a rule is for these keys, and leaves uploads the time that they have.
fn judge(rules: &[LifecycleRule], prefix: &str, lifetime: Duration) -> (Outcome, String) {
    let days = |rule: &LifecycleRule| rule.abort_incomplete_multipart_upload.as_ref()?.days_after_initiation;
    match fewest(rules, prefix, days) {
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

/// Judges the same for files that wait to be completed.
fn judge_files(rules: &[LifecycleRule], prefix: &str, lifetime: Duration) -> (Outcome, String) {
    match fewest(rules, prefix, |rule| rule.expiration.as_ref()?.days) {
        None => (Outcome::Warning, "none removes files that nobody completed".to_owned()),
        Some(days) if days * DAY < lifetime.as_secs() => (
            Outcome::Failure,
            format!("it removes them after {days} days, and they can be completed for {}", in_days(lifetime)),
        ),
        Some(days) => (Outcome::Ok, format!("files that nobody completed are removed after {days} days")),
    }
}

/// Returns the fewest days that an enabled rule gives to keys with this prefix.
fn fewest(rules: &[LifecycleRule], prefix: &str, days: fn(&LifecycleRule) -> Option<i32>) -> Option<u64> {
    let enabled = rules.iter().filter(|rule| rule.status == ExpirationStatus::Enabled);
    let ours = enabled.filter(|rule| of_prefix(rule).is_some_and(|of| prefix.starts_with(&of)));
    ours.filter_map(days).map(|days| u64::try_from(days).unwrap_or_default()).min()
}

/// Returns the prefix of a rule that filters by nothing else.
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

/// Adds the lifecycle rules, or replaces those that an earlier run wrote. Other rules stay.
async fn write(bucket: &Bucket, mut rules: Vec<LifecycleRule>) -> Result<(), StoreError> {
    let unbuildable = |error: &dyn std::fmt::Display| StoreError::Misbehaved(error.to_string());
    rules.retain(|rule| !matches!(rule.id.as_deref(), Some(RULE | FILES_RULE)));
    let days = i32::try_from(days_for(bucket.token_lifetime)).unwrap_or(i32::MAX);
    let rule = |id: &str, prefix: &str| {
        LifecycleRule::builder()
            .id(id)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
    };
    let parts = AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build();
    let parts = rule(RULE, &bucket.key_prefix).abort_incomplete_multipart_upload(parts);
    let mut files =
        rule(FILES_RULE, &own_prefix(bucket)).expiration(LifecycleExpiration::builder().days(days).build());
    if bucket.store.is_versioned().await {
        files = files
            .noncurrent_version_expiration(NoncurrentVersionExpiration::builder().noncurrent_days(1).build());
    }
    for rule in [parts, files] {
        rules.push(rule.build().map_err(|error| unbuildable(&error))?);
    }
    bucket.store.put_lifecycle_rules(rules).await
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
        let waiting = |prefix: &str, days| {
            LifecycleRule::builder()
                .status(ExpirationStatus::Enabled)
                .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
                .expiration(LifecycleExpiration::builder().days(days).build())
                .build()
                .unwrap()
        };
        let judged = |rules: &[LifecycleRule]| judge_files(rules, "in/.partway/", week).0;
        assert_eq!(judged(&[rule("in/", 8), waiting(".partway/", 8)]), Outcome::Warning);
        assert_eq!(judged(&[waiting("in/.partway/", 8)]), Outcome::Ok);
        assert_eq!(judged(&[waiting("in/.partway/", 8), waiting("", 1)]), Outcome::Failure);
        assert_eq!(days_for(week), 8);
        assert_eq!(days_for(Duration::from_secs(60)), 2);
    }
}
