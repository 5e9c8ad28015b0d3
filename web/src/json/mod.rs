//! JSON, read and written by hand.
//!
//! What the engine takes and gives is this text and plain numbers, so nothing of JavaScript's has to be held
//! from here. What serde makes of the same few types weighs more than the upload machine does.

mod read;
mod write;

pub(crate) use read::Json;
pub(crate) use write::{Fields, Raw, ToJson};
