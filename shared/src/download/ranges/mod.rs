//! The bytes of one object, cut into ranges, each on its way from untouched to done.
//!
//! A range is what is hashed as one. It is fetched by one request after the other, each of which begins where the one before
//! ended, so that a cut costs nothing that has come. Ranges that are done are joined, where their checksums can be.

mod fetching;
mod range;
mod whole;

use std::collections::VecDeque;
use std::time::Duration;

use litemap::LiteMap;

use crate::checksum::{Checksum, ChecksumKind, Crc64Nvme, PartHasher};
use crate::limits::MIB;
use crate::part::ByteRange;
use crate::time::{Time, earliest};
use crate::transfer::{Hedged, JobId, Pace, Patience, StragglerLimits};

use super::action::Sink;
use super::check::{Check, combined};
use super::partial::StoredRange;
use range::{Range, Stage};

pub(super) use fetching::{Failed, Got};

/// All bytes of one object.
#[derive(Debug)]
pub(super) struct Ranges {
    size: u64,
    check: Check,
    /// What nobody has begun with, in order.
    untouched: VecDeque<ByteRange>,
    /// By the place of their first byte.
    active: LiteMap<u64, Range>,
    done: LiteMap<u64, Done>,
    done_bytes: u64,
    /// The one request for everything, where the store ignores ranges.
    whole: Option<Range>,
    window: Option<Window>,
    pace: Pace,
}

/// A range that is there.
#[derive(Clone, Copy, Debug)]
struct Done {
    end: u64,
    checksum: Option<Checksum>,
}

/// How far ahead of the consumer bytes may be.
#[derive(Clone, Copy, Debug)]
struct Window {
    bytes: u64,
    taken: u64,
    /// No request is begun for less, so that a consumer that takes little at a time does not make for many, and no range is
    /// larger, so that each connection has one.
    step: u64,
}

/// Where the window allows it, a range has so many bytes at least.
const MIN_STEP: u64 = MIB;

impl Window {
    fn new(bytes: u64, connections: u32) -> Self {
        let shared = bytes / (2 * u64::from(connections.max(1)));
        Self { bytes: bytes.max(1), taken: 0, step: shared.max(MIN_STEP.min(bytes / 4)).max(1) }
    }

    const fn end(self) -> u64 {
        self.taken.saturating_add(self.bytes)
    }
}

impl Ranges {
    /// Begins with nothing. So many connections share the window, if there is one.
    pub(super) fn new(size: u64, check: Check, sink: Sink, connections: u32) -> Self {
        let window = match sink {
            Sink::Random => None,
            Sink::Ordered { window_bytes } => Some(Window::new(window_bytes, connections)),
        };
        let mut ranges = Self {
            size,
            check,
            untouched: VecDeque::new(),
            active: LiteMap::new(),
            done: LiteMap::new(),
            done_bytes: 0,
            whole: None,
            window,
            pace: Pace::default(),
        };
        ranges.leave_untouched(0, size);
        ranges
    }

    /// Takes the ranges that are there from before, as far as they can still be verified. Nothing may have been begun.
    pub(super) fn adopt(&mut self, kept: &[StoredRange]) {
        self.untouched.clear();
        let mut next = 0;
        for range in kept {
            let is_sound = range.start >= next && range.end > range.start && range.end <= self.size;
            if !is_sound || range.checksum.kind() != self.check.kind() {
                continue;
            }
            if self.check.kind() == ChecksumKind::Md5 && self.cut(range.start, u64::MAX) != Some(range.end) {
                continue;
            }
            self.leave_untouched(next, range.start);
            self.insert(range.start, Done { end: range.end, checksum: Some(range.checksum) });
            next = range.end;
        }
        self.leave_untouched(next, self.size);
    }

    fn leave_untouched(&mut self, start: u64, end: u64) {
        if start < end {
            self.untouched.push_back(ByteRange { start, end });
        }
    }

    pub(super) const fn done_bytes(&self) -> u64 {
        self.done_bytes
    }

    /// Bytes that have come.
    pub(super) fn received(&self) -> u64 {
        self.done_bytes + self.active.iter().map(|(start, range)| range.reached - start).sum::<u64>()
    }

    pub(super) const fn all_done(&self) -> bool {
        self.done_bytes == self.size
    }

    /// The place of the first byte that has not come.
    pub(super) fn front(&self) -> u64 {
        // One that is whole may wait for its request to end.
        let active = self.active.values().find(|range| !range.is_whole());
        let active = active.map_or(self.size, |range| range.reached);
        let untouched = self.untouched.front().map_or(self.size, |range| range.start);
        active.min(untouched)
    }

    /// Whether bytes were given out that cannot be taken back.
    pub(super) fn is_irrevocable(&self) -> bool {
        self.window.is_some() && self.front() > 0
    }

    /// Whether the consumer has all.
    pub(super) fn all_taken(&self) -> bool {
        self.window.is_none_or(|window| window.taken >= self.size)
    }

    /// The consumer has taken everything before this place.
    pub(super) fn taken(&mut self, up_to: u64, now: Time) {
        let front = self.front();
        let Some(window) = &mut self.window else { return };
        window.taken = window.taken.max(up_to.min(front));
        // What stood still for want of room goes on now.
        if let Some(requests) = self.whole.as_mut().and_then(Range::requests_mut) {
            requests.first.flight.progress_at = now;
        }
    }

    /// Compares the bytes with what the store has verified. Returns what that verifies; `None` if they differ.
    pub(super) fn verify(&self) -> Option<ChecksumKind> {
        self.check.verify(self.checksums())
    }

    /// The CRC-64/NVME of all bytes, if it was computed.
    pub(super) fn crc64nvme(&self) -> Option<Crc64Nvme> {
        combined(self.checksums())
    }

    fn checksums(&self) -> impl Iterator<Item = (Option<Checksum>, u64)> {
        self.done.iter().map(|(start, done)| (done.checksum, done.end - start))
    }

    /// The ranges that are there, for a journal, and as much as is there of those under way: the CRCs of any runs of bytes combine.
    pub(super) fn stored(&self) -> Vec<StoredRange> {
        let done = self.done.iter().filter_map(|(&start, done)| {
            Some(StoredRange { start, end: done.end, checksum: done.checksum? })
        });
        let begun = self.active.iter().filter_map(|(&start, range)| {
            let hasher = range.hasher.as_ref().filter(|_| range.reached > start)?;
            Some(StoredRange { start, end: range.reached, checksum: hasher.clone().finish() })
        });
        let combines = self.check.kind() == ChecksumKind::Crc64Nvme;
        let mut stored: Vec<_> = done.chain(begun.filter(|_| combines)).collect();
        stored.sort_unstable_by_key(|range| range.start);
        stored
    }

    /// When something will have to be done about requests.
    pub(super) fn deadline(&self, stall_timeout: Duration, stragglers: StragglerLimits) -> Option<Time> {
        let mut deadline = None;
        let late = self.stragglers(stragglers);
        for (_, at) in late {
            deadline = earliest(deadline, Some(at));
        }
        for range in self.fetched() {
            let at = match &range.stage {
                Stage::Ready => None,
                Stage::Backoff(until) => Some(*until),
                Stage::Fetching(requests) => {
                    let waiting = requests.flights().filter(|request| !self.is_held_up(request.at));
                    let stalls = waiting
                        .map(|request| request.flight.stalls_at(range.patience(request, stall_timeout)));
                    stalls.fold(None, |a, b| earliest(a, Some(b)))
                }
            };
            deadline = earliest(deadline, at);
        }
        deadline
    }

    /// Ends the waits that are over; all of them when `now` is `None`.
    pub(super) fn wake(&mut self, now: Option<Time>) {
        for range in self.fetched_mut() {
            if matches!(range.stage, Stage::Backoff(until) if now.is_none_or(|now| until <= now)) {
                range.stage = Stage::Ready;
            }
        }
    }

    /// Forgets all requests and every failure. What has come stays.
    pub(super) fn park(&mut self) {
        if let Some(whole) = &mut self.whole {
            whole.park();
        }
        self.park_active();
    }

    fn park_active(&mut self) {
        let mut whole = Vec::new();
        for (&start, range) in &mut self.active {
            range.park();
            // What waited for nothing but the end of its request is there.
            whole.extend(range.is_whole().then_some(start));
        }
        for start in whole {
            self.close(start);
        }
    }

    /// Requests that have stood still for too long, with the range that they are for.
    pub(super) fn stalled(&self, stall_timeout: Duration, now: Time) -> Vec<JobId> {
        let mut stalled = Vec::new();
        for range in self.fetched() {
            let flights = range.requests().into_iter().flat_map(Hedged::flights);
            let late = flights.filter(|request| {
                !self.is_held_up(request.at)
                    && request.flight.stalls_at(range.patience(request, stall_timeout)) <= now
            });
            stalled.extend(late.map(|request| request.flight.job));
        }
        stalled
    }

    /// After a sleep nobody knows how the connections are: each gets until `deadline` to move.
    pub(super) fn rearm(&mut self, stall_timeout: Duration, deadline: Time) {
        for range in self.fetched_mut() {
            let late = range.late;
            let requests = range.requests_mut().into_iter().flat_map(Hedged::flights_mut);
            for request in requests {
                let patience = Patience { stall_timeout, len: request.len(), is_unseen: false, late };
                request.flight.rearm(patience, deadline);
            }
        }
    }

    /// Where a range that begins here ends, if it is to have so many bytes. Only the check can ask for another end.
    fn cut(&self, start: u64, wanted: u64) -> Option<u64> {
        let end = match self.check {
            Check::Md5(_) => self.size,
            Check::PartMd5s { part_size, .. } if start.is_multiple_of(part_size) => {
                start.saturating_add(part_size)
            }
            Check::PartMd5s { .. } => return None,
            Check::Crc64Nvme(_) | Check::Nothing { .. } => start.saturating_add(wanted),
        };
        Some(end.min(self.size))
    }

    /// Begins with a range at the beginning of what is untouched.
    fn open(&mut self, wanted: u64) -> Option<u64> {
        let gap = *self.untouched.front()?;
        let end = self.cut(gap.start, wanted)?.min(gap.end);
        self.untouched.pop_front();
        if end < gap.end {
            self.untouched.push_front(ByteRange { start: end, end: gap.end });
        }
        self.active.insert(gap.start, Range::new(gap.start, end, PartHasher::new(self.check.kind())));
        Some(gap.start)
    }

    /// Takes a range that is whole out of the active ones.
    fn close(&mut self, start: u64) {
        if let Some(range) = self.active.remove(&start) {
            let checksum = range.hasher.map(PartHasher::finish);
            self.insert(start, Done { end: range.end, checksum });
        }
    }

    /// Takes in a range that is there, and joins it with its neighbours where that loses nothing.
    fn insert(&mut self, mut start: u64, mut done: Done) {
        self.done_bytes += done.end - start;
        if !matches!(self.check, Check::PartMd5s { .. } | Check::Md5(_)) {
            if let Some((&next, &after)) = self.done.iter().find(|&(&next, _)| next == done.end)
                && let Some(checksum) = join(done, after, after.end - next)
            {
                self.done.remove(&next);
                done = Done { end: after.end, checksum };
            }
            if let Some((&first, &before)) = self.done.iter().find(|(_, before)| before.end == start)
                && let Some(checksum) = join(before, done, done.end - start)
            {
                self.done.remove(&first);
                (start, done) = (first, Done { end: done.end, checksum });
            }
        }
        self.done.insert(start, done);
    }

    /// The ranges that requests are made for: one for everything, where the store ignores ranges.
    fn fetched(&self) -> impl Iterator<Item = &Range> {
        let active = if self.whole.is_some() { None } else { Some(self.active.values()) };
        self.whole.iter().chain(active.into_iter().flatten())
    }

    fn fetched_mut(&mut self) -> impl Iterator<Item = &mut Range> {
        let active = if self.whole.is_some() { None } else { Some(self.active.iter_mut()) };
        self.whole.iter_mut().chain(active.into_iter().flatten().map(|(_, range)| range))
    }

    /// Returns the range that a request is for.
    fn carried_by(&self, job: JobId) -> Option<(u64, &Range)> {
        let carries = |range: &Range| range.requests().is_some_and(|requests| requests.flight(job).is_some());
        if let Some(whole) = &self.whole {
            return Some((0, whole)).filter(|(_, whole)| carries(whole));
        }
        self.active.iter().find(|(_, range)| carries(range)).map(|(&start, range)| (start, range))
    }

    fn fetched_at(&mut self, start: u64) -> Option<&mut Range> {
        match &mut self.whole {
            Some(whole) => Some(whole),
            None => self.active.get_mut(&start),
        }
    }

    /// Whether a request that has come so far stands still because the consumer has no room for more.
    fn is_held_up(&self, at: u64) -> bool {
        self.whole.is_some() && self.window.is_some_and(|window| at >= window.end())
    }
}

/// The checksum of two ranges that join. `Some(None)` where neither has one, `None` where they cannot be joined.
fn join(first: Done, next: Done, next_len: u64) -> Option<Option<Checksum>> {
    match (first.checksum, next.checksum) {
        (None, None) => Some(None),
        (Some(Checksum::Crc64Nvme(first)), Some(Checksum::Crc64Nvme(next))) => {
            Some(Some(first.followed_by(next, next_len).into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_has_a_range_of_the_window() {
        let step = |bytes, connections| Window::new(bytes, connections).step;
        assert_eq!(step(96 * MIB, 6), 8 * MIB);
        assert_eq!(step(64 * MIB, 32), MIB);
        assert_eq!(step(16 * MIB, 32), MIB, "not too small, though some have none");
        assert_eq!(step(MIB, 6), MIB / 4);
        assert_eq!((step(0, 6), step(3, 6)), (1, 1));
    }

    #[test]
    fn what_joins_is_one_range() {
        let mut ranges = Ranges::new(30, Check::Nothing { for_journal: true }, Sink::Random, 6);
        let of = |bytes: &[u8]| Some(Crc64Nvme::of(bytes).into());
        let all: Vec<u8> = (0..30).collect();
        for (start, end) in [(0, 5), (20, 30), (10, 20), (5, 10)] {
            let checksum = of(&all[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()]);
            ranges.insert(start, Done { end, checksum });
        }
        assert!(ranges.all_done());
        let [whole] = ranges.stored()[..] else { panic!("{ranges:?}") };
        assert_eq!((whole.start, whole.end, Some(whole.checksum)), (0, 30, of(&all)));
    }

    #[test]
    fn gaps_are_fetched_in_order() {
        let mut ranges = Ranges::new(100, Check::Nothing { for_journal: true }, Sink::Random, 6);
        let kept = |start, end| StoredRange { start, end, checksum: Crc64Nvme(start).into() };
        ranges.adopt(&[kept(10, 20), kept(50, 60)]);
        assert_eq!((ranges.done_bytes(), ranges.front()), (20, 0));
        let mut asked = Vec::new();
        for job in 1.. {
            let Some(start) = ranges.next_start() else { break };
            asked.extend(ranges.start(start, JobId(job), 1, 25, Time::default()).flatten());
        }
        let asked: Vec<_> = asked.iter().map(|range| (range.start, range.end)).collect();
        assert_eq!(asked, [(0, 10), (20, 45), (45, 50), (60, 85), (85, 100)]);
    }
}
