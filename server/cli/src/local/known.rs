//! What earlier commands have seen of stores: the region of a bucket, and what its store verifies.
//!
//! It owns a file in the user's cache folder. What cannot be read or written there is found out again; nothing fails for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use partway_s3::verification::Known;
use partway_server::config::is_of_aws;
use serde::{Deserialize, Serialize};

use super::state::write_private;

/// How long it holds. A store may learn something, or be another one at the same address.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const FILE: &str = "stores.json";

/// What is known.
pub(super) struct KnownStores {
    path: Option<PathBuf>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen {
    region: Option<String>,
    known: Option<Known>,
    /// In seconds since 1970.
    at: u64,
}

impl KnownStores {
    pub(super) fn in_folder(folder: Option<PathBuf>) -> Self {
        Self { path: folder.map(|folder| folder.join(FILE)) }
    }

    /// Returns the name of a bucket at an endpoint.
    pub(super) fn id(endpoint: Option<&str>, bucket: &str) -> String {
        let store = endpoint.filter(|_| !Self::is_aws(endpoint)).unwrap_or("aws");
        format!("{} {bucket}", store.trim_end_matches('/'))
    }

    pub(super) fn is_aws(endpoint: Option<&str>) -> bool {
        endpoint.is_none_or(is_of_aws)
    }

    pub(super) fn region(&self, id: &str) -> Option<String> {
        self.read().remove(id)?.region
    }

    pub(super) fn known(&self, id: &str) -> Option<Known> {
        self.read().remove(id)?.known
    }

    pub(super) fn set_region(&self, id: &str, region: &str) {
        self.change(id, |seen| seen.region = Some(region.to_owned()));
    }

    pub(super) fn set_known(&self, id: &str, known: Known) {
        self.change(id, |seen| seen.known = Some(known));
    }

    fn read(&self) -> BTreeMap<String, Seen> {
        let text = self.path.as_ref().and_then(|path| fs::read(path).ok()).unwrap_or_default();
        let mut all: BTreeMap<String, Seen> = serde_json::from_slice(&text).unwrap_or_default();
        let now = now();
        all.retain(|_, seen| seen.at <= now && now - seen.at < LIFETIME.as_secs());
        all
    }

    /// Another command that writes at the same time may undo this, which costs finding it out again.
    fn change(&self, id: &str, change: impl FnOnce(&mut Seen)) {
        let Some(path) = &self.path else { return };
        let mut all = self.read();
        let seen = all.entry(id.to_owned()).or_default();
        change(seen);
        seen.at = now();
        if let Ok(text) = serde_json::to_vec(&all) {
            let _ = write_private(path, &text);
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use partway_shared::checksum::ChecksumKind;

    use super::*;

    #[test]
    fn what_was_seen_is_known_for_some_days() {
        let folder = tempfile::tempdir().unwrap();
        let stores = KnownStores::in_folder(Some(folder.path().join("below")));
        assert_eq!((stores.region("a"), stores.known("a")), (None, None));
        let known = Known::embedded(ChecksumKind::Md5);
        stores.set_known("a", known);
        stores.set_region("a", "eu-west-1");
        assert_eq!((stores.region("a").as_deref(), stores.known("a")), (Some("eu-west-1"), Some(known)));
        assert_eq!(stores.known("b"), None);
        let path = stores.path.clone().unwrap();
        let old = fs::read_to_string(&path).unwrap().replace("\"at\":", "\"at\":1,\"was\":");
        fs::write(&path, old).unwrap();
        assert_eq!(stores.known("a"), None, "it is too long ago");
        fs::write(&path, "{").unwrap();
        assert_eq!(stores.known("a"), None);
        stores.set_known("a", known);
        assert_eq!(stores.known("a"), Some(known), "what cannot be read is written anew");
    }

    #[test]
    fn all_of_aws_is_one_store() {
        assert_eq!(KnownStores::id(None, "b"), "aws b");
        assert_eq!(KnownStores::id(Some("https://s3.eu-west-1.amazonaws.com"), "b"), "aws b");
        assert_eq!(KnownStores::id(Some("http://127.0.0.1:9000/"), "b"), "http://127.0.0.1:9000 b");
    }
}
