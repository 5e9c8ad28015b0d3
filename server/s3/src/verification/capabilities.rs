//! Finds out at the start which rules the store enforces, logs those that it does not, and decides what the server can rely
//! on. `partway doctor` explains them.

use partway_shared::checksum::ChecksumKind;
use partway_shared::plan::PartSizes;

use super::Known;
use crate::bucket::Bucket;
use crate::http_client::{HttpClient, TIMEOUT};
use crate::probe::{self, PresignedClient, Rule};

const HINT: &str = "`partway doctor` explains it";

/// Probes each rule, logs a warning for each broken one, and returns what the server can rely on.
pub(super) async fn try_out(bucket: &Bucket, checksum: ChecksumKind) -> Known {
    let mut known = Known { forms: false, ..Known::unseen(checksum) };
    let Ok(credentials) = bucket.credentials.get().await else { return known };
    let http = match HttpClient::new(TIMEOUT) {
        Ok(http) => http,
        Err(why) => {
            tracing::warn!(store = bucket.label, why, "what the store holds URLs to was not tried out");
            return known;
        }
    };
    let client = PresignedClient::of(bucket, &credentials, &http);
    let (signature, length, put, part) = tokio::join!(
        probe::signature(client),
        probe::length(client),
        probe::copied_put(client),
        probe::copied_part(client),
    );
    let mut rules = vec![
        ("signatures are checked", signature),
        ("a body has the length that was signed", length),
        ("a PUT copies nothing unless that was signed", put),
        ("a part copies nothing unless that was signed", part),
    ];
    let (store, prefix) = (&*bucket.store, bucket.key_prefix.as_str());
    let (put, late_put, bare, complete, copy, moved) = tokio::join!(
        probe::put_if_none_match(store, prefix),
        probe::late_put_if_none_match(client),
        probe::bare_headers(store, prefix),
        probe::complete_if_none_match(store, prefix),
        probe::copy_if_none_match(store, prefix),
        probe::copy(store, prefix),
    );
    known.puts_only_create = [&put, &late_put, &bare].into_iter().all(|found| *found == Ok(Rule::Kept));
    known.copies_only_create = copy == Ok(Rule::Kept);
    rules.extend([
        ("a file can be moved to its key (CopyObject)", moved),
        ("a PUT replaces no object (If-None-Match)", put),
        ("a PUT that began earlier replaces no object (If-None-Match)", late_put),
        ("an object has no headers that nobody gave it", bare),
        ("a completion replaces no object (If-None-Match)", complete),
        ("a copy replaces no object (If-None-Match)", copy),
    ]);
    if !bucket.identity.is_aws() {
        let found = probe::unequal_parts(store, prefix).await;
        if matches!(found, Ok(Rule::Unsupported(_))) {
            known.part_sizes = PartSizes::Equal;
        }
        rules.push(("parts of one object can differ in size", found));
    }
    if bucket.put_headers.contains("x-amz-tagging") {
        let (put, upload) = tokio::join!(probe::put_tags(store, prefix), probe::upload_tags(store, prefix));
        rules.push(("objects have the tags of their PUT", put));
        rules.push(("objects have the tags of their upload in parts", upload));
    }
    if bucket.copies {
        let (found, any_key, tags) = tokio::join!(
            probe::part_copy(client),
            probe::part_copy_key(client),
            probe::copied_tags(store, prefix),
        );
        known.copies_any_key = !matches!(any_key, Ok(Rule::Broken(_)));
        rules.push((
            "parts of the object that was named are copied, whatever its key (UploadPartCopy)",
            any_key,
        ));
        rules.push(("copies have the tags of their objects, or those that they are given", tags));
        known.copies_parts = !matches!(found, Ok(Rule::Unsupported(_)));
        rules.push(("a part is copied from the object that was signed for (UploadPartCopy)", found));
    }
    for (rule, found) in rules {
        let store = &bucket.label;
        match found {
            Ok(Rule::Kept) => {}
            Ok(found) => {
                tracing::warn!(store, rule, %found, "the store does not enforce a rule; {HINT}");
            }
            Err(error) => {
                tracing::warn!(store, rule, %error, "the probe of a rule failed");
            }
        }
    }
    known.forms = bucket.post_forms && forms(client, &bucket.label, checksum).await;
    known
}

/// Returns whether forms can be used. One whose checksum is not enforced would be a weaker check than the server
/// claims, and a PUT always works.
async fn forms(client: PresignedClient<'_>, store: &str, checksum: ChecksumKind) -> bool {
    match probe::form(client, checksum).await {
        Ok(Rule::Kept) => return true,
        Ok(found) => {
            tracing::warn!(store, %found, "the store does not enforce the policy of forms, so small files are sent by PUT; {HINT}");
        }
        Err(error) => {
            tracing::warn!(store, %error, "the probe of forms failed, so small files are sent by PUT");
        }
    }
    false
}
