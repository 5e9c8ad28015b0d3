//! Rules that the store does not keep: what the log says of them at the start, and what is done without. `partway doctor`
//! says more.

use partway_shared::checksum::ChecksumKind;

use crate::store::named::NamedStore;
use crate::store::plain::PlainHttp;
use crate::store::probe::{self, Outsider, Rule};

const HINT: &str = "`partway doctor` says what follows";

/// Tries them out, and warns of those that are broken. Says whether small files can be sent as forms.
pub(super) async fn try_out(named: &NamedStore, checksum: ChecksumKind) -> bool {
    let Ok(credentials) = named.credentials.get().await else { return false };
    let http = PlainHttp::default();
    let outsider = Outsider::of(named, &credentials, &http);
    let (signature, length, put, part) = tokio::join!(
        probe::signature(outsider),
        probe::length(outsider),
        probe::copied_put(outsider),
        probe::copied_part(outsider),
    );
    let mut rules = vec![
        ("signatures are checked", signature),
        ("a body has the length that was signed", length),
        ("a PUT copies nothing unless that was signed", put),
        ("a part copies nothing unless that was signed", part),
    ];
    // Where keys can be taken twice, and what is there is to stay.
    if named.put_headers.contains("if-none-match") {
        let (store, prefix) = (&named.store, named.key_prefix.as_str());
        let (put, complete) = tokio::join!(
            probe::put_if_none_match(store, prefix),
            probe::complete_if_none_match(store, prefix)
        );
        rules.push(("a PUT replaces no object (If-None-Match)", put));
        rules.push(("a completion replaces no object (If-None-Match)", complete));
    }
    if named.put_headers.contains("x-amz-tagging") {
        let (store, prefix) = (&named.store, named.key_prefix.as_str());
        let (put, upload) = tokio::join!(probe::put_tags(store, prefix), probe::upload_tags(store, prefix));
        rules.push(("objects have the tags of their PUT", put));
        rules.push(("objects have the tags of their upload in parts", upload));
    }
    for (rule, found) in rules {
        let store = &named.name;
        match found {
            Ok(Rule::Kept) => {}
            Ok(found) => {
                tracing::warn!(store, rule, %found, "the store does not keep a rule; {HINT}");
            }
            Err(error) => {
                tracing::warn!(store, rule, %error, "it could not be found out whether the store keeps a rule");
            }
        }
    }
    named.post_forms && forms(outsider, &named.name, checksum).await
}

/// A form that is not held to its terms would be a weaker check than the one that is claimed, and a PUT always works.
async fn forms(outsider: Outsider<'_>, store: &str, checksum: ChecksumKind) -> bool {
    match probe::form(outsider, checksum).await {
        Ok(Rule::Kept) => return true,
        Ok(found) => {
            tracing::warn!(store, %found, "the store does not keep forms to their terms, so small files are PUTs; {HINT}");
        }
        Err(error) => {
            tracing::warn!(store, %error, "it could not be found out whether forms can be used, so small files are PUTs");
        }
    }
    false
}
