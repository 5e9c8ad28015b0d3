//! The journal: what has to be kept of each upload so that it can go on after a reload, a crash
//! or a reboot, in IndexedDB.
//!
//! Whatever is found there is checked field by field: other versions of Partway, other
//! programs and curious people write to it too. What cannot be used is passed over and counted.

use idb::{Database, DatabaseEvent, Error, Factory, ObjectStoreParams, TransactionMode};
use partway_shared::checksum::ChecksumKind;
use partway_shared::plan::{Plan, Strategy};
use partway_shared::time::Time;
use partway_shared::upload::{FileInfo, Resumable, Ticket};
use wasm_bindgen::JsValue;

use crate::environment::now;
use crate::object::{field, object, text};

const DATABASE: &str = "partway";
const DATABASE_VERSION: u32 = 1;
const UPLOADS: &str = "uploads";
/// The form of an entry. One of another form is passed over.
const FORM: u32 = 1;

/// An open journal, of the uploads to one server.
#[derive(Debug)]
pub(crate) struct Journal {
    database: Database,
    endpoint: String,
}

/// One upload in the journal.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) info: FileInfo,
    pub(crate) saved: Resumable,
    /// A `FileSystemFileHandle`, where the file came with one.
    pub(crate) handle: Option<JsValue>,
}

/// All that the journal holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) entries: Vec<Entry>,
    /// Entries that cannot be used.
    pub(crate) skipped: u32,
}

impl Journal {
    /// # Errors
    /// When storage is denied, as in some private windows, or was written by a later version.
    pub(crate) async fn open(endpoint: String) -> Result<Self, Error> {
        let mut request = Factory::new()?.open(DATABASE, Some(DATABASE_VERSION))?;
        request.on_upgrade_needed(|event| {
            if let Ok(database) = event.database() {
                // If this fails, so does every transaction, and that is reported.
                let _ = database.create_object_store(UPLOADS, ObjectStoreParams::new());
            }
        });
        let mut database = request.await?;
        // A later version in another tab shall not have to wait for this one.
        database.on_version_change(|event| {
            if let Ok(database) = event.database() {
                database.close();
            }
        });
        Ok(Self { database, endpoint })
    }

    /// Every upload that can go on. What has expired, and what cannot be read, is removed.
    pub(crate) async fn read(&self) -> Result<Contents, Error> {
        let transaction = self.database.transaction(&[UPLOADS], TransactionMode::ReadWrite)?;
        let store = transaction.object_store(UPLOADS)?;
        let keys = store.get_all_keys(None, None)?.await?;
        let values = store.get_all(None, None)?.await?;
        let mut contents = Contents::default();
        for (key, value) in keys.into_iter().zip(values) {
            if text(&value, "endpoint").is_some_and(|endpoint| endpoint != self.endpoint) {
                continue;
            }
            match Entry::from_js(&value).filter(|entry| key.as_string() == Some(self.key_of(entry))) {
                Some(entry) if entry.saved.ticket.expires_at > now() => contents.entries.push(entry),
                expired_or_not_one => {
                    contents.skipped += u32::from(expired_or_not_one.is_none());
                    store.delete(key)?.await?;
                }
            }
        }
        transaction.await?;
        Ok(contents)
    }

    /// Adds an entry, or takes the place of the one with the same object key.
    pub(crate) async fn write(&self, entry: &Entry) -> Result<(), Error> {
        let transaction = self.database.transaction(&[UPLOADS], TransactionMode::ReadWrite)?;
        let store = transaction.object_store(UPLOADS)?;
        store.put(&entry.to_js(&self.endpoint), Some(&self.key_of(entry).into()))?.await?;
        transaction.await.map(drop)
    }

    pub(crate) async fn forget(&self, object_key: &str) -> Result<(), Error> {
        let transaction = self.database.transaction(&[UPLOADS], TransactionMode::ReadWrite)?;
        let store = transaction.object_store(UPLOADS)?;
        store.delete(JsValue::from(self.key(object_key)))?.await?;
        transaction.await.map(drop)
    }

    fn key_of(&self, entry: &Entry) -> String {
        self.key(&entry.saved.ticket.key)
    }

    fn key(&self, object_key: &str) -> String {
        [&self.endpoint, " ", object_key].concat()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.database.close();
    }
}

impl Entry {
    /// What the page is shown: not the token, which is for the engine alone.
    pub(crate) fn to_page(&self) -> JsValue {
        object([
            ("key", self.saved.ticket.key.as_str().into()),
            ("name", self.info.name.as_str().into()),
            ("size", (self.info.size as f64).into()),
            ("lastModified", or_undefined(self.info.last_modified.map(|time| time as f64))),
            ("type", or_undefined(self.info.content_type.as_deref())),
            ("path", or_undefined(self.info.path.as_deref())),
            ("uploaded", (self.saved.stored_bytes as f64).into()),
            ("expiresAt", to_date(self.saved.ticket.expires_at).into()),
            ("handle", or_undefined(self.handle.clone())),
        ])
    }

    fn to_js(&self, endpoint: &str) -> JsValue {
        let Self { info, saved, handle } = self;
        let part_size = match saved.strategy {
            Strategy::SinglePut => JsValue::UNDEFINED,
            Strategy::Multipart { part_size } => (part_size as f64).into(),
        };
        let checksum = match saved.checksum {
            ChecksumKind::Crc64Nvme => "crc64_nvme",
            ChecksumKind::Md5 => "md5",
            ChecksumKind::None => "none",
        };
        object([
            ("form", FORM.into()),
            ("endpoint", endpoint.into()),
            ("name", info.name.as_str().into()),
            ("size", (info.size as f64).into()),
            ("lastModified", or_undefined(info.last_modified.map(|time| time as f64))),
            ("type", or_undefined(info.content_type.as_deref())),
            ("path", or_undefined(info.path.as_deref())),
            ("destination", or_undefined(info.destination.as_deref())),
            ("key", saved.ticket.key.as_str().into()),
            ("token", saved.ticket.token.as_str().into()),
            ("hosts", saved.ticket.hosts.into()),
            ("expiresAt", to_date(saved.ticket.expires_at).into()),
            ("partSize", part_size),
            ("checksum", checksum.into()),
            ("uploaded", (saved.stored_bytes as f64).into()),
            ("handle", or_undefined(handle.clone())),
        ])
    }

    /// `None` unless everything is there, of its type and within its bounds.
    fn from_js(value: &JsValue) -> Option<Self> {
        if field(value, "form")?.as_f64() != Some(f64::from(FORM)) {
            return None;
        }
        let size = number(value, "size")?;
        let strategy = Strategy::Multipart { part_size: number(value, "partSize")? };
        Plan::from_strategy(size, strategy)?;
        Some(Self {
            info: FileInfo {
                name: text(value, "name")?,
                size,
                content_type: text(value, "type"),
                last_modified: field(value, "lastModified")
                    .and_then(|time| time.as_f64())
                    .map(|time| time as i64),
                path: text(value, "path"),
                destination: text(value, "destination"),
            },
            saved: Resumable {
                ticket: Ticket {
                    token: text(value, "token")?,
                    key: text(value, "key")?,
                    expires_at: from_date(field(value, "expiresAt")?.as_f64()?),
                    hosts: u32::try_from(number(value, "hosts")?).ok()?.clamp(1, 64),
                },
                strategy,
                checksum: match text(value, "checksum")?.as_str() {
                    "crc64_nvme" => ChecksumKind::Crc64Nvme,
                    "md5" => ChecksumKind::Md5,
                    "none" => ChecksumKind::None,
                    _ => return None,
                },
                stored_bytes: number(value, "uploaded")?.min(size),
            },
            handle: field(value, "handle"),
        })
    }
}

/// A whole number that is not negative.
fn number(value: &JsValue, name: &str) -> Option<u64> {
    let number = field(value, name)?.as_f64()?;
    (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)
}

fn or_undefined(value: Option<impl Into<JsValue>>) -> JsValue {
    value.map_or(JsValue::UNDEFINED, Into::into)
}

/// Milliseconds since 1970, which outlive the page.
fn to_date(time: Time) -> f64 {
    js_sys::Date::now() + time.as_millis() as f64 - now().as_millis() as f64
}

fn from_date(date: f64) -> Time {
    let left = date - js_sys::Date::now();
    Time::from_millis((now().as_millis() as f64 + left).max(0.0) as u64)
}
