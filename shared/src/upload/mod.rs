//! The upload machine: everything that decides, nothing that does.
//!
//! [`Uploader`] takes files and the outcomes of work, and gives out work to do:
//! bytes to hash, calls to make, parts to PUT. Time and the random seed come in
//! as arguments, so a run can be replayed to the last retry.
//!
//! A stream is a file of which nobody knows how long it will be: it is read part by part, once, and what was read is kept until the
//! store has it.
//!
//! A copy is an upload whose bytes the store has already: nothing is hashed, and nothing leaves but requests to copy each part.
//!
//! It knows no browser: one driver runs it over `XMLHttpRequest`, the tests run
//! it over a simulated network.

mod action;
mod batch;
mod failure;
mod file;
mod growth;
mod index;
mod machine;
mod parts;
mod resume;
mod settings;
mod status;

pub use action::{Action, ControlCall, ControlReply, FileInfo, PartRead};
pub use machine::{Event, InFlight, Uploader};
pub use resume::{Difference, Resumable, UploadGrant};
pub use settings::Settings;
pub use status::{State, Status};
