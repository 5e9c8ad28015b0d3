//! How often something goes wrong.

use fastrand::Rng;

/// Draws probabilities for the faults of one run.
pub(crate) struct Chance<'a>(pub(crate) &'a mut Rng);

impl Chance<'_> {
    /// Anything from never to dreadfully often.
    pub(crate) fn draw(&mut self) -> f64 {
        let often = [0.0, 0.0, 0.02, 0.1, 0.25];
        often[self.0.usize(..often.len())]
    }
}
