//! Ranges on their way: which request is next, what came of those that were made.

use super::Ranges;
use super::range::{Range, Request, Stage};
use crate::download::action::{Head, Piece};
use crate::download::failure::{GetVerdict, changed, judge_get};
use crate::part::ByteRange;
use crate::retry::RetryPolicy;
use crate::time::Time;
use crate::transfer::{Failure, Hedged, JobId, Second, StragglerLimits, TransferError, Verdict};

/// A request that could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::download) enum Start {
    /// For the rest of a range, or for everything.
    Ready(u64),
    /// For the rest of a range that straggles.
    Hedge(u64),
    /// For the next range.
    Open,
}

/// What data brought.
#[derive(Debug, Default)]
pub(in crate::download) struct Got<'a> {
    /// Bytes for the sink.
    pub(in crate::download) piece: Option<Piece<'a>>,
    /// Bytes that have moved over the network.
    pub(in crate::download) moved: u64,
    /// The other request for the same range, which is behind.
    pub(in crate::download) loser: Option<JobId>,
}

/// What a failed request leads to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::download) enum Failed {
    /// It goes on by itself: at once, after a wait, or with the other request. Why, if that is news.
    GoesOn(Option<TransferError>),
    /// A URL was refused that is still the file's.
    NeedsUrl(TransferError),
    /// The object is another one.
    Changed(TransferError),
    /// Trying again cannot help, or was done often enough.
    Ends(TransferError),
}

/// What is refused with a fresh URL that often will be refused for good.
const MAX_REFUSALS: u32 = 5;

impl Ranges {
    /// Whether any request could be made now.
    pub(in crate::download) fn can_start(&self) -> bool {
        self.next_start().is_some()
    }

    /// The next request: what was cut goes on first, then what straggles, then what is untouched; the lowest place before others.
    pub(in crate::download) fn next_start(&self) -> Option<Start> {
        if let Some(whole) = &self.whole {
            return (matches!(whole.stage, Stage::Ready) && !self.all_done()).then_some(Start::Ready(0));
        }
        for (&start, range) in &self.active {
            match &range.stage {
                Stage::Ready if self.has_room(range.reached, range.end) => return Some(Start::Ready(start)),
                Stage::Fetching(requests)
                    if requests.wants_second() && range.reached < requests.first.end =>
                {
                    return Some(Start::Hedge(start));
                }
                _ => {}
            }
        }
        let gap = self.untouched.front()?;
        self.has_room(gap.start, gap.end).then_some(Start::Open)
    }

    /// Whether the window has room for a request for these bytes, or a step of them.
    fn has_room(&self, start: u64, end: u64) -> bool {
        self.window.is_none_or(|window| {
            let needed = window.step.min(end - start);
            window.end().saturating_sub(start) >= needed
        })
    }

    /// Makes a request. Returns which bytes it is for; all if that is `None`.
    pub(in crate::download) fn start(
        &mut self,
        start: Start,
        job: JobId,
        url: u32,
        wanted: u64,
        now: Time,
    ) -> Option<Option<ByteRange>> {
        if let Some(whole) = &mut self.whole {
            let request = Request::new(job, 0, self.size, url, now);
            whole.stage = Stage::Fetching(Hedged::new(request));
            return Some(None);
        }
        let window = self.window;
        let at = match start {
            Start::Ready(at) | Start::Hedge(at) => at,
            // What is one request and fits is not cut.
            Start::Open if window.is_none_or(|window| self.size <= window.bytes.min(wanted)) => {
                self.open(wanted)?
            }
            Start::Open => self.open(window.map_or(wanted, |window| wanted.min(window.step)))?,
        };
        let range = self.active.get_mut(&at)?;
        let end = window.map_or(range.end, |window| range.end.min(window.end()));
        let bytes = ByteRange { start: range.reached, end };
        let request = Request::new(job, bytes.start, end, url, now);
        match &mut range.stage {
            Stage::Fetching(requests) => requests.second = Second::Sent(request),
            stage => *stage = Stage::Fetching(Hedged::new(request)),
        }
        Some(Some(bytes))
    }

    /// Whether an answer is of these bytes of this object, or how it failed. `Ok(true)` means that the store ignores ranges.
    pub(in crate::download) fn head(&mut self, job: JobId, head: &Head) -> Result<bool, GetVerdict> {
        let is_whole = self.whole.is_some();
        let size = self.size;
        let unusable = |detail: &str| Err(judge_get(Failure::Unusable(detail.to_owned())));
        let Some((start, range)) = self.carried_by(job) else { return unusable("nobody has asked for it") };
        let Some(request) = range.requests().and_then(|requests| requests.flight(job)) else {
            return unusable("nobody has asked for it");
        };
        match (head.status, head.range()) {
            (200, _) => {}
            (206, Some((_, Some(total)))) if total != size => {
                return Err(changed(format!("it had {size} bytes and has {total}")));
            }
            (206, Some((first, _))) if first != request.at => {
                return unusable("the store answered with another range than was asked for");
            }
            (206, _) if !is_whole => {}
            _ => return unusable("the store's answer is neither the object nor a part of it"),
        }
        let turns = head.status == 200 && !is_whole;
        if let Some(request) = self.request_mut(start, job) {
            request.is_trusted = true;
        }
        Ok(turns)
    }

    /// Takes the next bytes of an answer, from the beginning of `bytes`, which are left as what is not used up.
    pub(in crate::download) fn data<'a>(&mut self, job: JobId, bytes: &mut &'a [u8], now: Time) -> Got<'a> {
        if self.whole.is_some() {
            return self.whole_data(job, bytes, now);
        }
        let all = std::mem::take(bytes);
        let Some((start, _)) = self.carried_by(job) else { return Got::default() };
        let Some(range) = self.active.get_mut(&start) else { return Got::default() };
        let reached = range.reached;
        let Some(requests) = range.requests_mut() else { return Got::default() };
        let is_second = requests.first.flight.job != job;
        let Some(request) = requests.flight_mut(job).filter(|request| request.is_trusted) else {
            return Got::default();
        };
        // What comes after the end that was asked for is not the object's.
        let (data, rest) = split(all, request.end - request.at);
        let moved = data.len() as u64;
        let skip = usize::try_from(reached.saturating_sub(request.at)).unwrap_or(usize::MAX);
        request.at += moved;
        request.flight.moved += moved;
        if moved > 0 {
            request.flight.progress_at = now;
        }
        let Some(news) = data.get(skip..).filter(|news| !news.is_empty()) else {
            return Got { moved, ..Got::default() };
        };
        *bytes = rest;
        // The second is ahead once it brings anything new; the first stays ahead until then.
        let is_over = reached + news.len() as u64 >= range.end;
        let range = self.active.get_mut(&start);
        let mut loser = None;
        if let Some(range) = range {
            range.extend(news);
            if let Some(requests) = range.requests_mut().filter(|_| is_second || is_over) {
                loser = requests.other(job);
                if let Some(loser) = loser {
                    requests.drop_flight(loser);
                }
            }
        }
        Got { piece: Some(Piece { offset: reached, bytes: news }), moved, loser }
    }

    /// An answer has ended. Returns whether it was as long as what was asked for.
    pub(in crate::download) fn ended(&mut self, job: JobId, now: Time) -> bool {
        let Some((start, range)) = self.carried_by(job) else { return true };
        let Some(request) = range.requests().and_then(|requests| requests.flight(job)) else { return true };
        let is_whole_answer = request.is_trusted && request.at >= request.end;
        let (moved, took) = (request.flight.moved, now.since(request.flight.started_at));
        let is_there = range.is_whole() || self.all_done();
        if !is_whole_answer && !is_there {
            return false;
        }
        self.pace.learn(moved, Some(took));
        self.end_of(start, job);
        // The network works: what the others suffered before does not add up.
        for range in self.fetched_mut() {
            range.failures = range.failures.min(1);
        }
        true
    }

    /// Takes out a request, and the range if it is whole.
    fn end_of(&mut self, start: u64, job: JobId) -> bool {
        let is_ranged = self.whole.is_none();
        let Some(range) = self.fetched_at(start) else { return false };
        let carried = range.end_request(job);
        if is_ranged && range.is_whole() {
            self.close(start);
        }
        carried
    }

    /// An answer was cut off through no fault of anybody's: the range is ready to go on at once.
    pub(in crate::download) fn interrupted(&mut self, job: JobId) {
        if let Some((start, _)) = self.carried_by(job) {
            self.end_of(start, job);
        }
    }

    /// A GET failed: the range waits to go on, or the reason to give up comes back. Where a second request carries the range,
    /// that one decides. `url` is the file's, if it has one.
    pub(in crate::download) fn failed(
        &mut self,
        job: JobId,
        verdict: GetVerdict,
        url: Option<u32>,
        policy: &RetryPolicy,
        jitter: f64,
        now: Time,
    ) -> Failed {
        let Some((start, range)) = self.carried_by(job) else { return Failed::GoesOn(None) };
        let Some(request) = range.requests().and_then(|requests| requests.flight(job)) else {
            return Failed::GoesOn(None);
        };
        let (with, had_begun) = (request.url, request.flight.moved > 0);
        let carried = self.end_of(start, job);
        if let GetVerdict::Changed { error } = verdict {
            return Failed::Changed(error);
        }
        // If it is gone, it was whole.
        if self.all_done() {
            return Failed::GoesOn(None);
        }
        let Some(range) = self.fetched_at(start).filter(|_| !carried) else { return Failed::GoesOn(None) };
        let (error, retry_after, needs_url) = match verdict {
            // Another request has met the refusal first.
            GetVerdict::Unauthorised { error } if url != Some(with) => return Failed::GoesOn(Some(error)),
            GetVerdict::Unauthorised { error } => {
                range.refusals += 1;
                match range.refusals {
                    1 => return Failed::NeedsUrl(error),
                    refusals if refusals > MAX_REFUSALS => return Failed::Ends(error),
                    _ => (error, None, true),
                }
            }
            GetVerdict::Unanswered { error, is_late } => {
                range.late += u32::from(is_late && !had_begun);
                (error, None, false)
            }
            GetVerdict::Other(Verdict::Retry { error, retry_after }) => (error, retry_after, false),
            GetVerdict::Other(Verdict::Final(error)) | GetVerdict::Changed { error } => {
                return Failed::Ends(error);
            }
        };
        range.failures += 1;
        match policy.delay(range.failures, retry_after, jitter) {
            Some(delay) => {
                range.stage = Stage::Backoff(now + delay);
                if needs_url { Failed::NeedsUrl(error) } else { Failed::GoesOn(Some(error)) }
            }
            None => Failed::Ends(error),
        }
    }

    /// Marks the ranges that are far behind what others took, so that they are asked for a second time.
    pub(in crate::download) fn mark_stragglers(&mut self, limits: StragglerLimits, now: Time) {
        let late: Vec<_> = self.stragglers(limits).into_iter().filter(|&(_, at)| at <= now).collect();
        for (start, _) in late {
            let range = self.active.get_mut(&start);
            if let Some(requests) = range.and_then(Range::requests_mut) {
                requests.second = Second::Wanted;
            }
        }
    }

    /// When which range that is asked for once will be far behind.
    ///
    /// Connections have to be free for a second request: nothing else can be begun. Where it is the window that is full, only
    /// the range at its beginning holds up the others.
    pub(super) fn stragglers(&self, limits: StragglerLimits) -> Vec<(u64, Time)> {
        let is_busy = self.whole.is_some()
            || self.active.values().any(|range| matches!(range.stage, Stage::Backoff(_)))
            || self.can_start();
        if is_busy {
            return Vec::new();
        }
        let is_tail = self.untouched.is_empty() && self.active.values().all(Range::is_fetching);
        let at_stake = if is_tail { usize::MAX } else { 1 };
        let late = self.active.iter().take(at_stake).filter_map(|(&start, range)| {
            let requests = range.requests()?;
            let request = &requests.first;
            if !matches!(requests.second, Second::NotYet) || range.reached >= request.end {
                return None;
            }
            Some((start, self.pace.straggles_at(&request.flight, request.len(), limits)?))
        });
        late.collect()
    }

    pub(super) fn request_mut(&mut self, start: u64, job: JobId) -> Option<&mut Request> {
        self.fetched_at(start)?.requests_mut()?.flight_mut(job)
    }
}

/// Splits off so many bytes, or all.
pub(super) fn split(bytes: &[u8], most: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(most).map_or(bytes.len(), |most| most.min(bytes.len())))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Check;
    use super::*;
    use crate::download::action::Sink;
    use crate::part::ETag;

    const POLICY: RetryPolicy =
        RetryPolicy { base: Duration::from_millis(1), cap: Duration::from_millis(1), max_attempts: 3 };

    fn ranges(size: u64, sink: Sink) -> Ranges {
        Ranges::new(size, Check::Nothing { for_journal: true }, sink, 6)
    }

    /// Makes the next request, and has its answer begin.
    fn begin(ranges: &mut Ranges, job: u64) {
        ranges.wake(None);
        let start = ranges.next_start().unwrap();
        let range = ranges.start(start, JobId(job), 1, 10, Time::default()).unwrap();
        let content_range = range.map(|range| format!("bytes {}-{}/*", range.start, range.end - 1));
        let head = Head { status: 206, etag: Some(ETag::new("tag")), content_range };
        assert_eq!(ranges.head(JobId(job), &head), Ok(false));
    }

    fn data(ranges: &mut Ranges, job: u64, mut bytes: &[u8]) -> (Option<u64>, Option<JobId>) {
        let got = ranges.data(JobId(job), &mut bytes, Time::default());
        (got.piece.map(|piece| piece.offset), got.loser)
    }

    fn fail(ranges: &mut Ranges, job: u64) -> Failed {
        let verdict = judge_get(Failure::NoAnswer);
        ranges.failed(JobId(job), verdict, Some(1), &POLICY, 0.0, Time::default())
    }

    #[test]
    fn failures_count_in_a_row_without_a_byte_between() {
        let mut ranges = ranges(10, Sink::Random);
        for job in 1..=9 {
            begin(&mut ranges, job);
            assert_eq!(data(&mut ranges, job, b"x"), (Some(job - 1), None));
            assert!(matches!(fail(&mut ranges, job), Failed::GoesOn(Some(_))), "{job}");
        }
        for job in 10..=11 {
            begin(&mut ranges, job);
            let outcome = fail(&mut ranges, job);
            assert_eq!(matches!(outcome, Failed::Ends(_)), job == 11, "{job}: two more are three");
        }
    }

    #[test]
    fn where_others_arrive_failures_do_not_add_up() {
        let mut ranges = ranges(100, Sink::Random);
        let mut job = 0;
        for _ in 0..5 {
            begin(&mut ranges, job + 1);
            begin(&mut ranges, job + 2);
            assert!(matches!(fail(&mut ranges, job + 1), Failed::GoesOn(Some(_))));
            data(&mut ranges, job + 2, &[0; 10]);
            assert!(ranges.ended(JobId(job + 2), Time::default()));
            job += 2;
        }
        assert_eq!(ranges.done_bytes(), 50);
    }

    #[test]
    fn the_second_request_takes_over_when_it_is_ahead() {
        let mut ranges = ranges(10, Sink::Random);
        begin(&mut ranges, 1);
        assert_eq!(data(&mut ranges, 1, b"abcd"), (Some(0), None));
        let Some(Stage::Fetching(requests)) = ranges.active.get_mut(&0).map(|range| &mut range.stage) else {
            panic!("it is on its way");
        };
        requests.second = Second::Wanted;
        begin(&mut ranges, 2);
        assert_eq!(data(&mut ranges, 1, b"ef"), (Some(4), None), "the first is still ahead");
        assert_eq!(data(&mut ranges, 2, b"e"), (None, None), "that was there");
        assert_eq!(data(&mut ranges, 2, b"fg"), (Some(6), Some(JobId(1))));
        assert_eq!(data(&mut ranges, 1, b"gh"), (None, None), "nobody waits for it");
        // More than was asked for is none of it.
        let mut chunk = b"hij and more".as_slice();
        let got = ranges.data(JobId(2), &mut chunk, Time::default());
        assert_eq!((got.piece, chunk), (Some(Piece { offset: 7, bytes: b"hij" }), b" and more".as_slice()));
        assert_eq!(ranges.data(JobId(2), &mut chunk, Time::default()).piece, None);
        assert!(chunk.is_empty(), "nothing is left to be offered again");
        assert!(ranges.ended(JobId(2), Time::default()));
        assert!(ranges.all_done());
        let whole = crate::checksum::Crc64Nvme::of(b"abcdefghij");
        assert_eq!(ranges.crc64nvme(), Some(whole));
    }

    #[test]
    fn bytes_before_a_head_are_nobodys() {
        let mut ranges = ranges(10, Sink::Random);
        let start = ranges.next_start().unwrap();
        ranges.start(start, JobId(1), 1, 10, Time::default());
        assert_eq!(data(&mut ranges, 1, b"abc"), (None, None));
        assert!(!ranges.ended(JobId(1), Time::default()));
    }

    #[test]
    fn what_had_no_room_has_time_again_once_it_has() {
        let timeout = Duration::from_secs(30);
        let mut ranges = ranges(10, Sink::Ordered { window_bytes: 4 });
        let start = ranges.next_start().unwrap();
        ranges.start(start, JobId(1), 1, 10, Time::default());
        let head = Head { status: 200, ..Head::default() };
        assert_eq!(ranges.head(JobId(1), &head), Ok(true));
        ranges.become_whole(JobId(1));
        assert_eq!(data(&mut ranges, 1, b"a"), (Some(0), None));
        assert_eq!(data(&mut ranges, 1, b"bcd"), (Some(1), None));
        assert_eq!(data(&mut ranges, 1, b"e"), (None, None));
        let later = Time::from_millis(3_600_000);
        assert_eq!(ranges.stalled(timeout, later), [], "it waits for the consumer");
        ranges.taken(2, later);
        assert_eq!(ranges.stalled(timeout, later), []);
        assert_eq!(ranges.stalled(timeout, later + timeout), [JobId(1)]);
    }
}
