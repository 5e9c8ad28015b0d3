//! The application's say in uploads: asked before they are created, told when they are complete.
//!
//! Over HTTP (`http`), or as Rust by an application that mounts Partway. Neither knows tokens or signed URLs.

mod http;

use async_trait::async_trait;
use partway_shared::error::Problem;
use partway_shared::wire::CompletedUpload;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::caller::Caller;
use crate::policy::Scope;

pub use http::HttpHooks;

/// An upload that is about to be created, within the rules of its destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedUpload {
    /// The upload's id.
    pub id: String,
    /// Where it goes.
    pub destination: String,
    /// The key that it would have.
    pub key: String,
    /// The file's name, as the client says it.
    pub name: String,
    /// Its path within the folder that was chosen, as the client says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its size in bytes, which it will have.
    pub size: u64,
    /// Its media type, as the client says it or in want of that `application/octet-stream`.
    #[serde(rename = "type")]
    pub content_type: String,
}

/// What the application makes of a proposed upload. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decision {
    /// Why it is refused, for the user; none lets it through.
    pub refuse: Option<String>,
    /// Another key. The application sees to it that keys are not taken twice, or says `overwrite` of the destination.
    pub key: Option<String>,
    /// Further metadata, over the destination's.
    pub metadata: BTreeMap<String, String>,
    /// Further tags, over the destination's.
    pub tags: BTreeMap<String, String>,
    /// The scope that this file is checked against; in JSON `limits`.
    #[serde(rename = "limits")]
    pub scope: Scope,
}

/// An upload that is complete and checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FinishedUpload {
    /// The upload's id, the same as before; the same when it is told again.
    pub id: String,
    /// Whose it is.
    pub subject: String,
    /// Where it went.
    pub destination: String,
    /// The object's media type.
    #[serde(rename = "type")]
    pub content_type: String,
    /// The object, as the client is told of it.
    #[serde(flatten)]
    pub object: CompletedUpload,
}

/// What an application decides and is told.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Decides on uploads that are within their destinations' rules: one decision for each, in their order.
    ///
    /// An error refuses them all: [`HookUnavailable`](partway_shared::error::ErrorCode::HookUnavailable) has the
    /// client try again.
    async fn before_create(
        &self,
        caller: &Caller,
        uploads: &[ProposedUpload],
    ) -> Result<Vec<Decision>, Problem> {
        let _ = caller;
        Ok(vec![Decision::default(); uploads.len()])
    }

    /// Learns of a completed upload, at least once. The client is not told before this has succeeded, and tries again
    /// if it has not.
    async fn after_complete(&self, upload: &FinishedUpload) -> Result<(), Problem> {
        let _ = upload;
        Ok(())
    }

    /// Whether `before_create` has a say; if not, it need not be called.
    fn decides(&self) -> bool {
        true
    }

    /// Whether `after_complete` wants to hear; if not, it need not be called, and nothing is kept for telling it again.
    fn listens(&self) -> bool {
        true
    }
}

/// No say at all.
#[derive(Clone, Copy, Debug)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn decides(&self) -> bool {
        false
    }

    fn listens(&self) -> bool {
        false
    }
}
