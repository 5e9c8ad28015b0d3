//! What the log says at the start of rules that the store does not keep. `partway doctor` says more.

use crate::store::named::NamedStore;
use crate::store::plain::PlainHttp;
use crate::store::probe::{self, Outsider, Rule};

/// Tries them out, and warns of those that are broken.
pub(super) async fn tell(named: &NamedStore) {
    let Ok(credentials) = named.credentials.get().await else { return };
    let http = PlainHttp::default();
    let outsider = Outsider {
        store: &named.store,
        hosts: &named.hosts,
        region: &named.region,
        credentials: &credentials,
        http: &http,
        prefix: &named.key_prefix,
    };
    let (signature, length, put, part) = tokio::join!(
        probe::signature(outsider),
        probe::length(outsider),
        probe::copied_put(outsider),
        probe::copied_part(outsider),
    );
    for (rule, found) in [
        ("signatures are checked", signature),
        ("a body has the length that was signed", length),
        ("a PUT copies nothing unless that was signed", put),
        ("a part copies nothing unless that was signed", part),
    ] {
        let store = &named.name;
        match found {
            Ok(Rule::Kept) => {}
            Ok(found) => {
                let hint = "`partway doctor` says what follows";
                tracing::warn!(store, rule, %found, "the store does not keep a rule; {hint}");
            }
            Err(error) => {
                tracing::warn!(store, rule, %error, "it could not be found out whether the store keeps a rule");
            }
        }
    }
}
