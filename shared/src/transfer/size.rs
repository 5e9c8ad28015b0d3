//! How many bytes one request should carry, on a line whose speed is known.

/// The sizes that one may choose from, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeLimits {
    /// Where nothing asks for another. The largest is four times this.
    pub(crate) usual: u64,
    /// The smallest.
    pub(crate) min: u64,
    /// They grow in steps of this.
    pub(crate) step: u64,
}

/// What a request should take: half of the half a minute beyond which a cut line loses too much.
const SECONDS: f64 = 15.0;

impl SizeLimits {
    /// Returns a size for a file of so many bytes, of which each of so many connections moves so many per second.
    ///
    /// On a slow line it is smaller, so that a cut loses little; on a fast one larger, which costs less CPU, as long as there
    /// are enough requests for all connections.
    pub(crate) fn for_line(self, size: u64, part_speed: f64, connections: u32) -> u64 {
        self.sized(size / (4 * u64::from(connections.max(1))), part_speed)
    }

    /// The same for what is left of a file that ends in smaller requests, so that fewer are enough for each connection.
    pub(crate) fn for_rest(self, size: u64, part_speed: f64, connections: u32) -> u64 {
        self.sized(size / (2 * u64::from(connections.max(1))), part_speed)
    }

    fn sized(self, shared: u64, part_speed: f64) -> u64 {
        let in_time = (part_speed * SECONDS) as u64;
        let step = self.step.max(1);
        let wanted = in_time.min(shared.max(self.usual)).min(self.usual.saturating_mul(4)) / step * step;
        wanted.max(self.min)
    }
}
