//! What the journal keeps of a download so that it can go on after a reload, a crash or a reboot.
//!
//! Other versions of Partway, other programs and curious people write to the journal too, so a record is believed only if every
//! field is there and of its type. What bytes it names is compared with the file before the machine hears of them.

use partway_shared::download::Partial;
use partway_shared::wire::ObjectName;
use serde::{Deserialize, Serialize};

/// The form of a record. One of another form cannot be read.
const FORM: u32 = 1;

/// A record as it stands in the journal. Beside these fields there may be the handle of the file that the download goes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    form: u32,
    endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    /// Whether the bytes are in a file of Partway's own until the end, and not in the one that the download goes to.
    is_staged: bool,
    /// Milliseconds since 1970.
    updated_at: u64,
    partial: Partial,
}

/// A download that can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Also the name of the file that it is staged in.
    pub(crate) id: String,
    pub(crate) filename: Option<String>,
    pub(crate) is_staged: bool,
    pub(crate) updated_at: u64,
    pub(crate) partial: Partial,
}

impl Record {
    pub(crate) fn new(found: &Found, endpoint: &str) -> Self {
        let Found { filename, is_staged, updated_at, partial, .. } = found.clone();
        Self { form: FORM, endpoint: endpoint.to_owned(), filename, is_staged, updated_at, partial }
    }

    /// Returns the key in the journal of a download from a server.
    pub(crate) fn key(endpoint: &str, id: &str) -> String {
        format!("{endpoint} {id}")
    }

    /// Returns the id in the key of any server's record.
    pub(crate) fn id_of(key: &str) -> Option<&str> {
        key.rsplit_once(' ').map(|(_, id)| id)
    }

    /// Returns the download from a server that stands under a key, unless the record is not one of that server's.
    pub(crate) fn into_found(self, key: &str, endpoint: &str) -> Option<Found> {
        let id = Self::id_of(key)?.to_owned();
        let Self { form, endpoint: own, filename, is_staged, updated_at, partial } = self;
        let is_ours = form == FORM && own == endpoint && key == Self::key(endpoint, &id);
        let is_sound = is_ours && partial.bytes() <= partial.size;
        is_sound.then_some(Found { id, filename, is_staged, updated_at, partial })
    }
}

impl Found {
    /// Returns whether it is of this object, and of the same version if one is named.
    pub(crate) fn is_of(&self, object: &ObjectName) -> bool {
        self.partial.object == *object
    }
}

#[cfg(test)]
mod tests {
    use partway_shared::checksum::Crc64Nvme;
    use partway_shared::download::StoredRange;
    use partway_shared::part::ETag;
    use serde_json::{Value, json};

    use super::*;

    fn found() -> Found {
        let object = ObjectName { key: "a/ü.bin".to_owned(), ..ObjectName::default() };
        let checksum = Crc64Nvme::of(b"123").into();
        let ranges = vec![StoredRange { start: 5, end: 8, checksum }];
        let partial = Partial { object, etag: ETag::new("e"), size: 9, ranges };
        Found { id: "1f".to_owned(), filename: None, is_staged: true, updated_at: 7, partial }
    }

    fn read(value: Value, key: &str) -> Option<Found> {
        serde_json::from_value::<Record>(value).ok()?.into_found(key, "https://a.test")
    }

    #[test]
    fn a_record_reads_back_under_its_own_key_alone() {
        let endpoint = "https://a.test";
        let record = serde_json::to_value(Record::new(&found(), endpoint)).unwrap();
        let key = Record::key(endpoint, "1f");
        assert_eq!(read(record.clone(), &key), Some(found()));
        assert!(found().is_of(&found().partial.object));
        assert_eq!(read(record.clone(), "https://b.test 1f"), None);
        assert_eq!(read(record, "1f"), None);
        assert_eq!(Record::id_of(&key), Some("1f"));
    }

    #[test]
    fn what_makes_no_sense_is_not_believed() {
        let good = serde_json::to_value(Record::new(&found(), "https://a.test")).unwrap();
        for (field, value) in [
            ("form", json!(2)),
            ("endpoint", json!("https://b.test")),
            ("isStaged", json!(null)),
            ("partial", json!({})),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            assert_eq!(read(bad, "https://a.test 1f"), None, "{field}");
        }
        let mut bad = good.clone();
        bad["partial"]["size"] = json!(2);
        assert_eq!(read(bad, "https://a.test 1f"), None, "more is there than there is");
        let mut bad = good;
        bad["partial"]["ranges"][0]["start"] = json!(-1);
        assert_eq!(read(bad, "https://a.test 1f"), None);
    }
}
