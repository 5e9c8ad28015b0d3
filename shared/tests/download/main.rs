//! The download machine against a simulated server, store and network.
//!
//! `random` throws every fault at it in thousands of runs; the others tell one story at a time.

// A simulation that cannot go on has found what it was looking for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batches;
mod changing;
mod fetching;
mod going_on;
mod ordered;
mod random;
#[path = "../simulated/mod.rs"]
mod simulated;
mod sink;
mod store;
mod verified;
mod world;

use partway_shared::download::Settings;

/// Sizes so small that objects of a few hundred bytes have many ranges.
pub(crate) fn settings() -> Settings {
    Settings {
        single_get_max: 40,
        range_size: 40,
        min_range_size: 10,
        md5_run_max: 400,
        ..Settings::default()
    }
}
