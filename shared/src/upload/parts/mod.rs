//! The parts of one file, each on its way from untouched to stored.
//!
//! Only a window of parts is held in detail, however many there are: those
//! before it are stored, those after it untouched.

mod doubt;
mod sending;
mod signing;
mod stage;
mod stored;
mod stream;

use std::collections::VecDeque;

use litemap::LiteMap;

use crate::checksum::ChecksumKind;
use crate::limits::MAX_PARTS;
use crate::part::{ByteRange, PartNumber};
use crate::plan::Plan;
use crate::time::{Time, earliest};
use crate::transfer::{JobId, Pace};

use super::growth::{Growth, Rest};
use super::settings::Settings;
use stage::{NextStep, Part, Signed, Stage};
use stored::Stored;
use stream::Stream;

pub(super) use sending::ToSend;
pub(super) use signing::ToHash;

/// All parts of one file.
#[derive(Debug)]
pub(super) struct Parts {
    plan: Plan,
    /// Whether the token is of another plan.
    recut: Recut,
    checksum: ChecksumKind,
    /// What was read, if the bytes come as a stream.
    stream: Option<Stream>,
    /// The lowest number never touched.
    next: u32,
    /// Parts that were stored once and have to be sent again.
    again: VecDeque<PartNumber>,
    active: LiteMap<PartNumber, Part>,
    /// By index; only as long as the highest stored part.
    stored: Vec<Option<Stored>>,
    stored_count: u32,
    stored_bytes: u64,
    pace: Pace,
}

/// Where a change of the plan stands, which the server has to put into the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Recut {
    /// There is none.
    #[default]
    Granted,
    /// The next request for signatures asks for it.
    Wanted,
    /// This one has.
    Asked(JobId),
}

/// What the parts of a file could do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PartWork {
    pub(super) hash: bool,
    pub(super) sign: bool,
    /// The store has to be asked whether it has some.
    pub(super) ask: bool,
    pub(super) send: bool,
    /// Parts hashed and not yet on their way.
    pub(super) ahead: u32,
    pub(super) deadline: Option<Time>,
}

impl Parts {
    pub(super) fn new(plan: Plan, checksum: ChecksumKind) -> Self {
        Self {
            plan,
            recut: Recut::default(),
            checksum,
            stream: None,
            next: 1,
            again: VecDeque::new(),
            active: LiteMap::new(),
            stored: Vec::new(),
            stored_count: 0,
            stored_bytes: 0,
            pace: Pace::default(),
        }
    }

    pub(super) const fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) const fn checksum_kind(&self) -> ChecksumKind {
        self.checksum
    }

    pub(super) const fn stored_count(&self) -> u32 {
        self.stored_count
    }

    pub(super) const fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    pub(super) fn all_stored(&self) -> bool {
        self.stored_count == self.plan.part_count()
    }

    /// Bytes stored, and bytes on their way.
    pub(super) fn bytes_sent(&self) -> u64 {
        self.stored_bytes + self.active.values().map(|part| part.stage.bytes_sent()).sum::<u64>()
    }

    /// Surveys what can be done, and when something will have to be. Nothing straggles while
    /// the file is halted.
    pub(super) fn work(&self, settings: &Settings, is_halted: bool) -> PartWork {
        let can_read = self.can_read(settings.stream_window);
        let mut work = PartWork {
            hash: self.needs_reading() && self.has_untouched() && (can_read || !self.is_unread_next()),
            ..PartWork::default()
        };
        let at_tail = !is_halted && self.is_at_tail();
        for (&number, part) in &self.active {
            let deadline = match &part.stage {
                Stage::ToHash => {
                    work.hash |= can_read || !self.is_unread(number);
                    None
                }
                Stage::Hashing | Stage::Signing(..) => {
                    work.ahead += 1;
                    None
                }
                Stage::ToSign(_) => {
                    work.ahead += 1;
                    work.sign = true;
                    None
                }
                Stage::Ready(_) => {
                    work.ahead += 1;
                    work.send = true;
                    None
                }
                Stage::Sending(sending) => {
                    work.send |= sending.requests.wants_second();
                    let straggles_at =
                        if at_tail { self.straggles_at(number, sending, settings) } else { None };
                    let patience = self.patience(number, part, settings.stall_timeout);
                    earliest(patience.and_then(|patience| sending.stalls_at(patience)), straggles_at)
                }
                Stage::Doubtful(_) => {
                    work.ask = true;
                    None
                }
                Stage::Asked(..) => None,
                Stage::Backoff { until, .. } => Some(*until),
            };
            work.deadline = earliest(work.deadline, deadline);
        }
        work
    }

    /// Ends the waits that are over; all of them when `now` is `None`.
    pub(super) fn wake(&mut self, now: Option<Time>) {
        for (_, part) in &mut self.active {
            if let Stage::Backoff { until, then, is_doubtful } = &mut part.stage
                && now.is_none_or(|now| *until <= now)
            {
                let then = then.clone();
                part.stage = if *is_doubtful { Stage::Doubtful(then) } else { then.begin() };
            }
        }
    }

    /// Forgets all work under way and every past failure; what is being sent too, unless that
    /// is to be finished. What is stored stays stored, and checksums that are known stay known.
    pub(super) fn park(&mut self, finish_sending: bool) {
        let needs_hashing = self.checksum.needs_hashing();
        if matches!(self.recut, Recut::Asked(_)) {
            self.recut = Recut::Wanted;
        }
        for (&number, part) in &mut self.active {
            if finish_sending && matches!(part.stage, Stage::Sending(_)) {
                continue;
            }
            let range = self.plan.range(number);
            let len = range.map_or(0, ByteRange::len);
            let is_unread =
                matches!((&self.stream, range), (Some(stream), Some(range)) if stream.lacks(range));
            *part = Part::new(match part.stage.checksum() {
                None if needs_hashing || is_unread => Stage::ToHash,
                checksum if part.stage.may_be_stored(len) => Stage::Doubtful(NextStep::Sign(checksum)),
                checksum => Stage::ToSign(checksum),
            });
        }
    }

    /// Nothing is left to begin: what is not stored is on its way.
    fn is_at_tail(&self) -> bool {
        !self.has_untouched() && self.active.values().all(|part| matches!(part.stage, Stage::Sending(_)))
    }

    fn has_untouched(&self) -> bool {
        !self.again.is_empty() || self.next <= self.plan.part_count()
    }

    /// Begins the next untouched part.
    fn open(&mut self) -> Option<PartNumber> {
        let number = match self.again.pop_front() {
            Some(number) => number,
            None if self.next <= self.plan.part_count() => {
                let number = PartNumber::new(self.next).ok()?;
                self.next += 1;
                number
            }
            None => return None,
        };
        let has_to_come = self.checksum.needs_hashing() || self.is_unread(number);
        let stage = if has_to_come { Stage::ToHash } else { Stage::ToSign(None) };
        self.active.insert(number, Part::new(stage));
        Some(number)
    }

    /// Cuts what no part was begun of into larger parts, if that gains anything on a line as fast as this one.
    pub(super) fn recut(&mut self, growth: Growth) {
        let (Some(size), Some(speed), Recut::Granted) =
            (self.plan.size(), self.pace.bytes_per_second(), self.recut)
        else {
            return;
        };
        let next = self.first_unsigned();
        let rest = || {
            let from = PartNumber::new(next).ok()?;
            let range = self.plan.range(from)?;
            let last = PartNumber::new(self.plan.part_count().saturating_sub(1)).unwrap_or(PartNumber::FIRST);
            let last_size = self.plan.range(last.max(from))?.len();
            Some(Rest { from, bytes: size - range.start, part_size: range.len(), last_size })
        };
        let changed = rest().and_then(|rest| self.plan.with_steps(rest.from, &growth.steps(rest, speed)?));
        if let Some(plan) = changed {
            self.plan = plan;
            self.recut = Recut::Wanted;
            self.next = next;
            self.active.retain(|number, _| number.get() < next);
        }
    }

    /// The first part of those that nothing was done for, or nothing that counts: what needs no hashing is signed long before it is
    /// sent.
    fn first_unsigned(&self) -> u32 {
        let is_idle = |stage: &Stage| {
            matches!(stage, Stage::ToSign(None) | Stage::Ready(Signed { checksum: None, .. }))
        };
        let busy =
            self.active.iter().rfind(|(_, part)| !is_idle(&part.stage)).map(|(number, _)| number.get());
        let first = self.active.keys().next().map_or(self.next, |number| number.get());
        let after_stored = u32::try_from(self.stored.len()).unwrap_or(MAX_PARTS) + 1;
        busy.map_or(first, |busy| busy + 1).max(after_stored).min(self.next)
    }

    fn len(&self, number: PartNumber) -> u64 {
        self.plan.range(number).map_or(0, ByteRange::len)
    }
}
