//! The journal, in IndexedDB. What a record is, the session knows; file handles, which IndexedDB alone can keep, are joined to
//! it here.

use idb::{Database, DatabaseEvent, Factory, ObjectStore, ObjectStoreParams, Transaction, TransactionMode};
use js_sys::Reflect;
use litemap::LiteMap;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

use super::scope::property;
use crate::session::{Found, Record};

const DATABASE: &str = "partway";
const VERSION: u32 = 1;
const UPLOADS: &str = "uploads";
/// The field of a record that has the file's handle.
const HANDLE: &str = "handle";

/// An open journal. Dropping it closes it.
pub(super) struct Journal(Database);

/// It is denied, as in some private windows, full, or was written by a later version.
pub(super) struct Unavailable;

impl From<idb::Error> for Unavailable {
    fn from(_: idb::Error) -> Self {
        Self
    }
}

/// All that a journal holds.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) found: Vec<Found>,
    /// File handles, by the keys of their records.
    pub(super) handles: LiteMap<String, JsValue>,
}

impl Journal {
    /// Opens the journal.
    pub(super) async fn open() -> Result<Self, Unavailable> {
        let mut request = Factory::new()?.open(DATABASE, Some(VERSION))?;
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
        Ok(Self(database))
    }

    /// Reads everything. Keys that are no texts are none of Partway's.
    pub(super) async fn read(&self) -> Result<Contents, Unavailable> {
        let (transaction, store) = self.begin(TransactionMode::ReadOnly)?;
        let keys = store.get_all_keys(None, None)?.await?;
        let values = store.get_all(None, None)?.await?;
        commit(transaction).await?;
        let mut contents = Contents::default();
        for (key, value) in keys.into_iter().zip(values) {
            let Some(key) = key.as_string() else { continue };
            if let Some(handle) = property(&value, HANDLE) {
                contents.handles.insert(key.clone(), handle);
            }
            contents.found.push((key, serde_wasm_bindgen::from_value::<Record>(value).ok()));
        }
        Ok(contents)
    }

    /// Writes a record, in the place of one with the same key.
    pub(super) async fn write(
        &self,
        key: &str,
        record: &Record,
        handle: Option<&JsValue>,
    ) -> Result<(), Unavailable> {
        let value = record.serialize(&Serializer::json_compatible()).unwrap_or_default();
        if let Some(handle) = handle {
            let _ = Reflect::set(&value, &HANDLE.into(), handle);
        }
        let (transaction, store) = self.begin(TransactionMode::ReadWrite)?;
        store.put(&value, Some(&key.into()))?;
        commit(transaction).await
    }

    /// Removes records.
    pub(super) async fn remove(&self, keys: &[String]) -> Result<(), Unavailable> {
        let (transaction, store) = self.begin(TransactionMode::ReadWrite)?;
        for key in keys {
            store.delete(JsValue::from(key))?;
        }
        commit(transaction).await
    }

    fn begin(&self, mode: TransactionMode) -> Result<(Transaction, ObjectStore), Unavailable> {
        let transaction = self.0.transaction(&[UPLOADS], mode)?;
        let store = transaction.object_store(UPLOADS)?;
        Ok((transaction, store))
    }
}

async fn commit(transaction: Transaction) -> Result<(), Unavailable> {
    transaction.await?.is_committed().then_some(()).ok_or(Unavailable)
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.0.close();
    }
}
