//! Owns the lifecycle rules of buckets and their effects. Never knows when they run.

use redb::ReadableTable as _;

use crate::errors::Error;

use super::records::{Completed, LifecycleRule, Object, Record, Upload};
use super::tables::{Snapshot, Txn};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// How long the result of an upload is remembered.
const REMEMBERED_MS: u64 = DAY_MS;

impl Snapshot {
    /// Returns a bucket's rules; empty when none are set.
    pub(crate) fn lifecycle(&self, bucket: &str) -> Result<Vec<LifecycleRule>, Error> {
        self.need_bucket(bucket)?;
        self.lifecycles.get(bucket)?.map_or(Ok(Vec::new()), |rules| Vec::from_bytes(rules.value()))
    }
}

impl Txn<'_> {
    /// Replaces a bucket's rules; an empty list removes them.
    pub(crate) fn set_lifecycle(&mut self, bucket: &str, rules: &Vec<LifecycleRule>) -> Result<(), Error> {
        self.need_bucket(bucket)?;
        if rules.is_empty() {
            self.lifecycles.remove(bucket)?;
        } else {
            self.lifecycles.insert(bucket, rules.to_bytes()?.as_slice())?;
        }
        Ok(())
    }

    /// Aborts uploads and removes objects that are too old at `now_ms` by the rules of their buckets, and forgets old
    /// completions. Returns how many uploads and objects were removed.
    pub(crate) fn tidy(&mut self, now_ms: u64) -> Result<usize, Error> {
        let rules = self.rules()?;
        let is_old = |bucket: &str, key: &[u8], since_ms: u64, days: fn(&LifecycleRule) -> Option<u32>| {
            rules.iter().filter(|(of, rule)| of == bucket && key.starts_with(rule.prefix.as_bytes())).any(
                |(_, rule)| {
                    days(rule).is_some_and(|days| since_ms.saturating_add(u64::from(days) * DAY_MS) <= now_ms)
                },
            )
        };
        let mut uploads = Vec::new();
        for entry in self.uploads.iter()? {
            let (place, upload) = entry?;
            let (bucket, key, id) = place.value();
            let initiated_ms = Upload::from_bytes(upload.value())?.initiated_ms;
            if is_old(bucket, key, initiated_ms, |rule| rule.abort_after_days) {
                uploads.push((bucket.to_owned(), text(key)?, id.to_owned()));
            }
        }
        for (bucket, key, id) in &uploads {
            self.remove_upload((bucket, key, id))?;
        }
        let mut objects = Vec::new();
        for (bucket, rule) in rules.iter().filter(|(_, rule)| rule.expire_after_days.is_some()) {
            for entry in self.objects.range((bucket.as_str(), rule.prefix.as_bytes())..)? {
                let (place, object) = entry?;
                let (of, key) = place.value();
                if of != bucket || !key.starts_with(rule.prefix.as_bytes()) {
                    break;
                }
                let modified_ms = Object::from_bytes(object.value())?.modified_ms;
                if is_old(bucket, key, modified_ms, |rule| rule.expire_after_days) {
                    objects.push((bucket.clone(), text(key)?));
                }
            }
        }
        for (bucket, key) in &objects {
            self.remove_object(bucket, key)?;
        }
        self.forget_completed(now_ms)?;
        Ok(uploads.len() + objects.len())
    }

    /// Returns the enabled rules, each with its bucket.
    fn rules(&self) -> Result<Vec<(String, LifecycleRule)>, Error> {
        let mut rules = Vec::new();
        for entry in self.lifecycles.iter()? {
            let (bucket, of_bucket) = entry?;
            for rule in Vec::<LifecycleRule>::from_bytes(of_bucket.value())? {
                rules.extend(rule.enabled.then(|| (bucket.value().to_owned(), rule)));
            }
        }
        Ok(rules)
    }

    fn forget_completed(&mut self, now_ms: u64) -> Result<(), Error> {
        let mut forgotten = Vec::new();
        for entry in self.completed.iter()? {
            let (place, completed) = entry?;
            if Completed::from_bytes(completed.value())?.at_ms.saturating_add(REMEMBERED_MS) <= now_ms {
                let (bucket, key, id) = place.value();
                forgotten.push((bucket.to_owned(), key.to_vec(), id.to_owned()));
            }
        }
        for (bucket, key, id) in &forgotten {
            self.completed.remove((bucket.as_str(), key.as_slice(), id.as_str()))?;
        }
        Ok(())
    }
}

fn text(key: &[u8]) -> Result<String, Error> {
    Ok(std::str::from_utf8(key).map_err(Error::internal)?.to_owned())
}
