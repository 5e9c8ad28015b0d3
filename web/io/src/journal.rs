//! A journal, in IndexedDB. What a record is, its engine knows; file handles, which IndexedDB alone can keep, are joined to it
//! here.

use idb::{Database, DatabaseEvent, Factory, ObjectStore, ObjectStoreParams, Transaction, TransactionMode};
use js_sys::Reflect;
use litemap::LiteMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

use crate::scope::property;

const VERSION: u32 = 1;
/// The field of a record that has the file's handle.
const HANDLE: &str = "handle";

/// Where a journal is: a database with one store in it.
///
/// Each engine has a database of its own, so that a new form of one is no new version of the other.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The database's name.
    pub database: &'static str,
    /// The store's name.
    pub store: &'static str,
}

/// An open journal. Dropping it closes it.
#[derive(Debug)]
pub struct Journal {
    database: Database,
    store: &'static str,
}

/// Nothing can be kept: it is denied, as in some private windows, full, or was written by a later version.
#[derive(Debug)]
pub struct Unavailable;

impl From<idb::Error> for Unavailable {
    fn from(_: idb::Error) -> Self {
        Self
    }
}

/// All that a journal holds.
#[derive(Debug)]
pub struct Contents<R> {
    /// Each record under its key, unless this version cannot read it.
    pub found: Vec<(String, Option<R>)>,
    /// File handles, by the keys of their records.
    pub handles: LiteMap<String, JsValue>,
}

impl Journal {
    /// Opens the journal.
    ///
    /// # Errors
    /// Fails where there can be none.
    pub async fn open(place: Place) -> Result<Self, Unavailable> {
        let mut request = Factory::new()?.open(place.database, Some(VERSION))?;
        request.on_upgrade_needed(move |event| {
            if let Ok(database) = event.database() {
                // If this fails, so does every transaction, and that is reported.
                let _ = database.create_object_store(place.store, ObjectStoreParams::new());
            }
        });
        let mut database = request.await?;
        // A later version in another tab shall not have to wait for this one.
        database.on_version_change(|event| {
            if let Ok(database) = event.database() {
                database.close();
            }
        });
        Ok(Self { database, store: place.store })
    }

    /// Reads everything. Keys that are no texts are none of Partway's.
    ///
    /// # Errors
    /// Fails when the database does.
    pub async fn read<R: DeserializeOwned>(&self) -> Result<Contents<R>, Unavailable> {
        let (transaction, store) = self.begin(TransactionMode::ReadOnly)?;
        let keys = store.get_all_keys(None, None)?.await?;
        let values = store.get_all(None, None)?.await?;
        commit(transaction).await?;
        let mut contents = Contents { found: Vec::new(), handles: LiteMap::new() };
        for (key, value) in keys.into_iter().zip(values) {
            let Some(key) = key.as_string() else { continue };
            if let Some(handle) = property(&value, HANDLE) {
                contents.handles.insert(key.clone(), handle);
            }
            contents.found.push((key, serde_wasm_bindgen::from_value::<R>(value).ok()));
        }
        Ok(contents)
    }

    /// Writes a record, in the place of one with the same key.
    ///
    /// # Errors
    /// Fails when the database does.
    pub async fn write(
        &self,
        key: &str,
        record: &impl Serialize,
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
    ///
    /// # Errors
    /// Fails when the database does.
    pub async fn remove(&self, keys: &[String]) -> Result<(), Unavailable> {
        let (transaction, store) = self.begin(TransactionMode::ReadWrite)?;
        for key in keys {
            store.delete(JsValue::from(key))?;
        }
        commit(transaction).await
    }

    fn begin(&self, mode: TransactionMode) -> Result<(Transaction, ObjectStore), Unavailable> {
        let transaction = self.database.transaction(&[self.store], mode)?;
        let store = transaction.object_store(self.store)?;
        Ok((transaction, store))
    }
}

async fn commit(transaction: Transaction) -> Result<(), Unavailable> {
    transaction.await?.is_committed().then_some(()).ok_or(Unavailable)
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.database.close();
    }
}
