//! What travels between widget and server, as JSON.
//!
//! Requests refuse fields that they do not know, so that a misspelt option is
//! an error and not a silence; answers may gain fields, and clients pass over them.

mod complete;
mod create;
mod id;
mod pairs;
mod sign;

pub use complete::{
    CompleteUpload, CompleteUploads, CompletedPart, CompletedUpload, CompletedUploads, Completion,
    ObjectChecksum, UploadToComplete,
};
pub use create::{CreateUploads, CreatedUpload, CreatedUploads, Grant, NewUpload};
pub use id::{CreationId, NoCreationId};
pub use pairs::Pairs;
pub use sign::{ListedParts, PartToSign, SignParts, SignedParts, SignedPut, StoredPart};
