//! The parts of one file, each on its way from untouched to stored.
//!
//! Only a window of parts is held in detail, however many there are: those
//! before it are stored, those after it untouched.

mod doubt;
mod sending;
mod signing;
mod stage;
mod stored;

use std::collections::VecDeque;

use litemap::LiteMap;

use crate::checksum::ChecksumKind;
use crate::part::{ByteRange, PartNumber};
use crate::plan::Plan;
use crate::time::{Time, earliest};
use crate::transfer::Pace;

use super::settings::Settings;
use stage::{NextStep, Part, Stage};
use stored::Stored;

pub(super) use sending::ToSend;

/// All parts of one file.
#[derive(Debug)]
pub(super) struct Parts {
    plan: Plan,
    checksum: ChecksumKind,
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
            checksum,
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
        let mut work =
            PartWork { hash: self.checksum.needs_hashing() && self.has_untouched(), ..PartWork::default() };
        let at_tail = !is_halted && self.is_at_tail();
        for (&number, part) in &self.active {
            let deadline = match &part.stage {
                Stage::ToHash => {
                    work.hash = true;
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
        let plan = self.plan;
        for (&number, part) in &mut self.active {
            if finish_sending && matches!(part.stage, Stage::Sending(_)) {
                continue;
            }
            let len = plan.range(number).map_or(0, ByteRange::len);
            *part = Part::new(match part.stage.checksum() {
                None if self.checksum.needs_hashing() => Stage::ToHash,
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
        let stage = if self.checksum.needs_hashing() { Stage::ToHash } else { Stage::ToSign(None) };
        self.active.insert(number, Part::new(stage));
        Some(number)
    }

    fn len(&self, number: PartNumber) -> u64 {
        self.plan.range(number).map_or(0, ByteRange::len)
    }
}
