//! What travels between widget and server, as JSON.
//!
//! Requests refuse fields that they do not know, so that a misspelt option is
//! an error and not a silence; answers may gain fields, and clients pass over them.
//!
//! Enums are tagged from outside, as `{"accepted": {…}}` and `"single_put"`: a tag within would have serde hold a value in a
//! buffer and read it twice.
//!
//! An upload's token is in the body of a request and never in its path, which logs show.

mod abort;
mod caller;
mod complete;
mod copies;
mod create;
mod destinations;
mod id;
mod links;
mod objects;
mod sign;

pub use abort::AbortUpload;
pub use caller::CallerInfo;
pub use complete::{
    CompleteUpload, CompleteUploads, CompletedPart, CompletedUpload, CompletedUploads, Completion,
    ObjectChecksum,
};
pub use copies::{CopyFrom, CopyTo, CreateCopy, CreatedCopy};
pub use create::{CreateUploads, CreatedUpload, CreatedUploads, Grant, NewUpload};
pub use destinations::{DestinationInfo, DestinationList, Operation};
pub use id::{CreationId, NoCreationId};
pub use links::{CreateLink, CreatedLink};
pub use objects::{
    DeleteObjects, DeletedObject, DeletedObjects, Disposition, ListObjects, ListedObject, ListedObjects,
    LookAtObjects, LookedAtObjects, Looks, ObjectDeletion, ObjectInfo, ObjectLook, ObjectName, ObjectSigning,
    ObjectToDelete, ObjectToSign, ReadMethod, ResponseHeaders, SignObjects, SignedObject, SignedObjects,
};
pub use sign::{ListParts, ListedParts, PartToSign, SignParts, SignedParts, SignedPut, StoredPart};
