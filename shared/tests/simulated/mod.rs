//! What simulations of both machines have in common: a queue of what is on its way, refusals, and chance.

mod answers;
mod chance;
mod queue;

pub(crate) use answers::{problem, refusal};
pub(crate) use chance::Chance;
pub(crate) use queue::Queue;
