//! Hooks: the application is asked before uploads are created and before objects are reached, and told when uploads are
//! complete.
//!
//! They are called over HTTP (`http`), or in Rust by an application that mounts Partway. They see neither tokens nor
//! signed URLs.

mod http;

use async_trait::async_trait;
use partway_shared::error::Problem;
use partway_shared::wire::{CompletedUpload, Operation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::caller::Caller;
use crate::policy::Scope;

pub use http::HttpHooks;

/// An upload that is about to be created, and that its destination's policy accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedUpload {
    /// The upload's id.
    pub id: String,
    /// The destination's name.
    pub destination: String,
    /// The key that it would get.
    pub key: String,
    /// The file's name, as the client gave it.
    pub name: String,
    /// The file's path within the chosen folder, as the client gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The file's exact size in bytes; null for a stream, which may have as many bytes as its destination and its `limits` permit.
    pub size: Option<u64>,
    /// The media type that the object will have; `application/octet-stream` where the client gave none.
    #[serde(rename = "type")]
    pub content_type: String,
    /// The object that it would be a copy of, if it is no file of the client's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<CopiedObject>,
}

/// The object of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopiedObject {
    /// The name of its destination.
    pub destination: String,
    /// Its key.
    pub key: String,
    /// Its version, if the caller has named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

/// The application's decision on a proposed upload. The default accepts it unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decision {
    /// The reason for a refusal, for the user; `None` accepts.
    pub refuse: Option<String>,
    /// Another key. The application must keep keys unique, or set `overwrite` for the destination.
    pub key: Option<String>,
    /// Additional metadata, which overrides the destination's.
    pub metadata: BTreeMap<String, String>,
    /// Additional tags, which override the destination's.
    pub tags: BTreeMap<String, String>,
    /// The scope that this file is checked against; in JSON `limits`.
    #[serde(rename = "limits")]
    pub scope: Scope,
}

/// An upload that is complete and verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FinishedUpload {
    /// The upload's id, the same as in the proposal and in every retry.
    pub id: String,
    /// The subject that owns it.
    pub subject: String,
    /// The destination's name.
    pub destination: String,
    /// The object's media type.
    #[serde(rename = "type")]
    pub content_type: String,
    /// The object that it is a copy of, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<CopiedObject>,
    /// The object, as the client gets it.
    #[serde(flatten)]
    pub object: CompletedUpload,
}

/// Access to an object, or to the objects below a prefix, that the destination's policy permits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedAccess {
    /// What the caller wants to do.
    pub operation: Operation,
    /// The destination's name.
    pub destination: String,
    /// The object's key; of a listing, the prefix.
    pub key: String,
    /// The object's version, if the caller names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

/// The application's decision on access to an object. The default permits it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessDecision {
    /// The reason for a refusal, for the user; `None` permits.
    pub refuse: Option<String>,
}

/// The hooks of an application.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Decides on uploads that their destinations' policies accept. Returns one decision for each, in order.
    ///
    /// An error refuses them all; after [`HookUnavailable`](partway_shared::error::ErrorCode::HookUnavailable) the
    /// client retries.
    async fn before_create(
        &self,
        caller: &Caller,
        uploads: &[ProposedUpload],
    ) -> Result<Vec<Decision>, Problem> {
        let _ = caller;
        Ok(vec![Decision::default(); uploads.len()])
    }

    /// Receives a completed upload, at least once. The client is answered after this has succeeded, and retries if it
    /// fails.
    async fn after_complete(&self, upload: &FinishedUpload) -> Result<(), Problem> {
        let _ = upload;
        Ok(())
    }

    /// Decides on access to objects that their destinations' policies permit. Returns one decision for each, in order.
    ///
    /// An error refuses them all.
    async fn before_access(
        &self,
        caller: &Caller,
        accesses: &[ProposedAccess],
    ) -> Result<Vec<AccessDecision>, Problem> {
        let _ = caller;
        Ok(vec![AccessDecision::default(); accesses.len()])
    }

    /// Returns whether `before_access` does anything; if not, it is not called.
    fn guards(&self) -> bool {
        true
    }

    /// Returns whether `before_create` does anything; if not, it is not called.
    fn decides(&self) -> bool {
        true
    }

    /// Returns whether `after_complete` does anything; if not, it is not called, and no mark is kept for retries.
    fn listens(&self) -> bool {
        true
    }
}

/// Hooks that do nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn guards(&self) -> bool {
        false
    }

    fn decides(&self) -> bool {
        false
    }

    fn listens(&self) -> bool {
        false
    }
}
