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
mod create;
mod id;
mod sign;

pub use abort::AbortUpload;
pub use caller::CallerInfo;
pub use complete::{
    CompleteUpload, CompleteUploads, CompletedPart, CompletedUpload, CompletedUploads, Completion,
    ObjectChecksum,
};
pub use create::{CreateUploads, CreatedUpload, CreatedUploads, Grant, NewUpload};
pub use id::{CreationId, NoCreationId};
pub use sign::{ListParts, ListedParts, PartToSign, SignParts, SignedParts, SignedPut, StoredPart};
