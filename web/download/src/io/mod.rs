//! What the session asks for, done with what a browser has. Wasm alone.
//!
//! Rules: no borrow is held across an `await` or while JavaScript is called; each timer and request lives in a guard that
//! detaches it on drop; what JavaScript throws becomes a [`Failure`](partway_shared::transfer::Failure), or a text about the file.

mod body;
mod disk;
mod driver;
mod fetch;
mod keeper;
mod sink;

pub(crate) use driver::{Driver, Wanted};
