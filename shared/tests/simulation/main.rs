//! The upload machine against a simulated server, store and network.
//!
//! `random` throws every fault at it in thousands of runs; `scenarios` tells
//! one story at a time.

// A simulation that cannot go on has found what it was looking for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backend;
mod copies;
mod faults;
mod flow;
mod going_on;
mod large_requests;
mod late;
mod random;
mod recut;
mod retry_after;
mod scenarios;
#[path = "../simulated/mod.rs"]
mod simulated;
mod streams;
mod world;

use partway_shared::plan::{PlanLimits, Schedule};
use partway_shared::upload::Settings;

/// Limits so small that files of a few hundred bytes have many parts.
pub(crate) fn tiny() -> PlanLimits {
    PlanLimits {
        single_put_max: 40,
        part_size: 40,
        min_part_size: 10,
        max_part_size: 1_000,
        max_parts: 100,
        part_size_step: 1,
        schedule: Schedule { first: 20, parts: 4, cap: 80, equal: 60 },
    }
}

/// Settings with those limits.
pub(crate) fn settings() -> Settings {
    Settings { plan: tiny(), ..Settings::default() }
}
