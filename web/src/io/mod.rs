//! What the session asks for, done with what a browser has. Wasm alone.
//!
//! Rules: no borrow is held across an `await` or while JavaScript is called; each listener, closure, timer and request lives in
//! a guard that detaches it on drop; what JavaScript throws becomes a [`Failure`](partway_shared::upload::Failure).

mod clock;
mod driver;
mod hash;
mod journal;
mod lock;
mod put;
mod scope;
mod server;
mod source;

pub(crate) use driver::{Chosen, Driver};
pub(crate) use scope::message_of;
