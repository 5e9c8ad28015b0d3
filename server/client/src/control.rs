//! What a transfer asks of whoever holds the credentials.

use async_trait::async_trait;
use partway_shared::transfer::Failure;
use partway_shared::upload::{ControlCall, ControlReply};
use partway_shared::wire::{
    CallerInfo, CreateLink, CreatedLink, DeleteObjects, DeletedObjects, DestinationList, ListObjects,
    ListedObjects, LookAtObjects, LookedAtObjects, SignObjects, SignedObjects,
};

/// Partway's operations, wherever they are carried out. One method for each route.
///
/// A failure is told as it came, and nothing is tried again here: the machines know when to.
#[async_trait]
pub trait Control: Send + Sync {
    /// Creates, signs, lists, completes or aborts uploads and copies. The reply is of the call's name.
    async fn call(&self, call: ControlCall) -> Result<ControlReply, Failure>;

    /// Signs URLs that read objects.
    async fn sign(&self, request: SignObjects) -> Result<SignedObjects, Failure>;

    /// Lists a page of objects.
    async fn list(&self, request: ListObjects) -> Result<ListedObjects, Failure>;

    /// Looks at objects.
    async fn look(&self, request: LookAtObjects) -> Result<LookedAtObjects, Failure>;

    /// Deletes objects.
    async fn delete(&self, request: DeleteObjects) -> Result<DeletedObjects, Failure>;

    /// Makes a link to an object.
    async fn link(&self, request: CreateLink) -> Result<CreatedLink, Failure>;

    /// Tells what may be done where.
    async fn destinations(&self) -> Result<DestinationList, Failure>;

    /// Tells who asks.
    async fn caller(&self) -> Result<CallerInfo, Failure>;
}
