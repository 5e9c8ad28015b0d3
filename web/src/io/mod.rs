//! What the session asks for, done with what a browser has. Wasm alone.
//!
//! Rules: no borrow is held across an `await` or while JavaScript is called; each listener, closure, timer and request lives in
//! a guard that detaches it on drop; what JavaScript throws becomes a [`Failure`](partway_shared::transfer::Failure).

mod driver;
mod hash;
mod lock;
mod put;
mod source;

pub(crate) use driver::{Chosen, Driver};
