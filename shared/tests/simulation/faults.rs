//! What goes wrong in a run, and how often.

use std::time::Duration;

use fastrand::Rng;

use crate::simulated::Chance;

/// Probabilities, each for one exchange.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// The connection breaks before the request arrives.
    pub(crate) request_lost: f64,
    /// The request is carried out, and its answer is lost.
    pub(crate) answer_lost: f64,
    /// 500, without effect.
    pub(crate) server_error: f64,
    /// 503 SlowDown with `Retry-After`, without effect.
    pub(crate) slow_down: f64,
    /// 409 of the store, without effect: another request to the same key is under way.
    pub(crate) conflict: f64,
    /// The connection stands still for ever.
    pub(crate) black_hole: f64,
    /// A bit flips on the way to the store.
    pub(crate) altered: f64,
    /// The store loses a part that it had acknowledged.
    pub(crate) part_lost: f64,
    /// No progress of a PUT is seen, as on a page with a service worker.
    pub(crate) unseen: bool,
    /// What the store takes for a part that has arrived before it has it, and then until its answer leaves.
    pub(crate) store_takes: Duration,
    pub(crate) answer_takes: Duration,
    /// What the server takes for an answer.
    pub(crate) server_takes: Duration,
    /// URLs live this long.
    pub(crate) url_life: Duration,
    /// One way; each message takes up to twice this, so answers overtake each other.
    pub(crate) latency: Duration,
    /// Bytes of one connection in a second.
    pub(crate) bytes_per_second: u64,
}

impl Faults {
    /// A good line to a good store.
    pub(crate) fn none() -> Self {
        Self {
            url_life: Duration::from_secs(900),
            latency: Duration::from_millis(20),
            bytes_per_second: 1_000,
            ..Self::default()
        }
    }

    /// Anything from fine to dreadful.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut chance = Chance(rng);
        let mut pick = || chance.draw();
        Self {
            request_lost: pick(),
            answer_lost: pick(),
            server_error: pick(),
            slow_down: pick(),
            conflict: pick(),
            black_hole: pick() / 4.0,
            altered: pick(),
            part_lost: pick() / 8.0,
            unseen: rng.u8(..4) == 0,
            store_takes: Duration::from_secs([0, 0, 0, 45, 100][rng.usize(..5)]),
            answer_takes: Duration::from_secs([0, 0, 0, 70][rng.usize(..4)]),
            server_takes: Duration::from_secs([0, 0, 0, 40][rng.usize(..4)]),
            url_life: Duration::from_secs([7, 20, 900][rng.usize(..3)]),
            latency: Duration::from_millis([0, 20, 400][rng.usize(..3)]),
            bytes_per_second: [50, 1_000, 100_000][rng.usize(..3)],
        }
    }
}
