//! Parts between a signed URL and the store's acknowledgement.

use std::time::Duration;

use super::Parts;
use super::stage::{NextStep, Part, Sending, Stage};
use super::stored::Stored;
use crate::checksum::Checksum;
use crate::part::{ByteRange, ETag, PartNumber};
use crate::retry::RetryPolicy;
use crate::time::Time;
use crate::transfer::{Flight, Hedged, HostId, JobId, Second, TransferError, Verdict};
use crate::upload::failure::PutVerdict;
use crate::upload::settings::Settings;
use crate::wire::SignedPut;

/// A part to send: which, its bytes, the request, and the host that it goes to.
pub(in crate::upload) struct ToSend {
    pub(in crate::upload) part: PartNumber,
    pub(in crate::upload) range: ByteRange,
    pub(in crate::upload) put: SignedPut,
    pub(in crate::upload) host: HostId,
}

/// What an acknowledgement brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::upload) struct Sent {
    /// Bytes that no progress had reported.
    pub(in crate::upload) more: u64,
    /// The part's other request, which is no longer needed.
    pub(in crate::upload) loser: Option<JobId>,
}

/// What was altered on the way, or signed by a clock that was off, arrives right the next time. What the store
/// still refuses then it will refuse for good, and each time costs a whole part.
const MAX_REFUSALS: u32 = 5;

impl Parts {
    /// The next part to send to a host that has room. URLs that expire by `usable_until` go
    /// back to be signed.
    pub(in crate::upload) fn start_put(
        &mut self,
        job: JobId,
        now: Time,
        usable_until: Time,
        has_room: impl Fn(HostId) -> bool,
    ) -> Option<ToSend> {
        for (&part, Part { stage, .. }) in &mut self.active {
            let signed = match stage {
                Stage::Ready(signed) if signed.expires_at <= usable_until => {
                    *stage = Stage::ToSign(signed.checksum);
                    continue;
                }
                Stage::Ready(signed) if has_room(signed.host) => signed.clone(),
                Stage::Sending(sending) if sending.requests.wants_second() => {
                    if sending.signed.expires_at <= usable_until {
                        sending.requests.second = Second::Spent;
                        continue;
                    }
                    if !has_room(sending.signed.host) {
                        continue;
                    }
                    sending.requests.second = Second::Sent(Flight::new(job, now));
                    let (put, host) = (sending.signed.put.clone(), sending.signed.host);
                    return Some(ToSend { part, range: self.plan.range(part)?, put, host });
                }
                _ => continue,
            };
            let (put, host) = (signed.put.clone(), signed.host);
            *stage = Stage::Sending(Sending { signed, requests: Hedged::new(Flight::new(job, now)) });
            return Some(ToSend { part, range: self.plan.range(part)?, put, host });
        }
        None
    }

    /// Takes how much of a part has left; returns how much that is more than before.
    pub(in crate::upload) fn put_progress(
        &mut self,
        number: PartNumber,
        job: JobId,
        total: u64,
        now: Time,
    ) -> u64 {
        let total = total.min(self.len(number));
        let Some(Stage::Sending(sending)) = self.active.get_mut(&number).map(|part| &mut part.stage) else {
            return 0;
        };
        let before = sending.sent();
        if let Some(flight) = sending.requests.flight_mut(job)
            && total > flight.moved
        {
            flight.moved = total;
            flight.progress_at = now;
        }
        sending.sent() - before
    }

    /// Whether the store's ETag of a part is the MD5 of other bytes than were sent.
    pub(in crate::upload) fn contradicts(&self, number: PartNumber, etag: &ETag) -> bool {
        match self.active.get(&number).and_then(|part| part.stage.checksum()) {
            Some(Checksum::Md5(ours)) => {
                crate::checksum::Md5::from_etag(etag).is_some_and(|theirs| theirs != ours)
            }
            _ => false,
        }
    }

    /// The store has acknowledged a part.
    pub(in crate::upload) fn put_done(
        &mut self,
        number: PartNumber,
        job: JobId,
        etag: ETag,
        now: Time,
    ) -> Sent {
        let len = self.len(number);
        let Some(Stage::Sending(sending)) = self.active.get(&number).map(|part| &part.stage) else {
            return Sent::default();
        };
        let more = len - sending.sent();
        let loser = sending.requests.other(job);
        let took = sending.requests.flight(job).map(|flight| now.since(flight.started_at));
        let checksum = sending.signed.checksum;
        self.active.remove(&number);
        self.store(number, Stored { etag, checksum });
        self.pace.learn(len, took);
        // The network works: what the others suffered before does not add up.
        for (_, part) in &mut self.active {
            part.failures = part.failures.min(1);
        }
        Sent { more, loser }
    }

    /// A PUT failed: the part waits to be tried again, or the reason to give up comes back.
    /// Where a second request carries the part, that one decides.
    pub(in crate::upload) fn put_failed(
        &mut self,
        number: PartNumber,
        job: JobId,
        verdict: PutVerdict,
        policy: &RetryPolicy,
        jitter: f64,
        now: Time,
    ) -> Result<Option<TransferError>, TransferError> {
        let len = self.len(number);
        let Some(part) = self.active.get_mut(&number) else { return Ok(None) };
        let Stage::Sending(sending) = &mut part.stage else { return Ok(None) };
        if sending.requests.drop_flight(job) {
            return Ok(None);
        }
        let (checksum, sent, is_form) = (sending.signed.checksum, sending.sent(), sending.is_form());
        let is_unseen = sending.is_unseen() || sent == 0;
        let mut is_doubtful = false;
        part.refusals += u32::from(verdict.is_refusal());
        let (error, retry_after, then) = match verdict {
            PutVerdict::Unauthorised { error } | PutVerdict::Altered { error }
                if part.refusals > MAX_REFUSALS =>
            {
                return Err(error);
            }
            PutVerdict::Unauthorised { error } if !part.resigned => {
                part.resigned = true;
                part.stage = Stage::ToSign(checksum);
                self.distrust_signatures();
                return Ok(Some(error));
            }
            PutVerdict::Unauthorised { error } => (error, None, NextStep::Sign(checksum)),
            PutVerdict::Altered { error } if checksum.is_some() => (error, None, NextStep::Hash),
            PutVerdict::Altered { error } => (error, None, NextStep::Sign(None)),
            PutVerdict::Unanswered { error, is_late } => {
                let has_left = len > 0 && sent >= len;
                is_doubtful = has_left || (is_late && is_unseen);
                part.late += u32::from(is_late && is_doubtful);
                let again =
                    if is_form { NextStep::Sign(checksum) } else { NextStep::Send(sending.signed.clone()) };
                (error, None, again)
            }
            // Not every store takes forms. What is signed from now on is a PUT.
            PutVerdict::Other(Verdict::Final(error)) if is_form => (error, None, NextStep::Sign(checksum)),
            PutVerdict::Other(Verdict::Retry { error, retry_after }) if is_form => {
                (error, retry_after, NextStep::Sign(checksum))
            }
            PutVerdict::Other(Verdict::Retry { error, retry_after }) => {
                (error, retry_after, NextStep::Send(sending.signed.clone()))
            }
            PutVerdict::Other(Verdict::Final(error)) | PutVerdict::Taken { error } => return Err(error),
        };
        part.failures += 1;
        match policy.delay(part.failures, retry_after, jitter) {
            Some(delay) => {
                part.stage = Stage::Backoff { until: now + delay, then, is_doubtful };
                Ok(Some(error))
            }
            None => Err(error),
        }
    }

    /// A PUT was cut off through no fault of anybody's: it is ready to go again at once.
    pub(in crate::upload) fn put_interrupted(&mut self, number: PartNumber, job: JobId) {
        let len = self.len(number);
        let Some(part) = self.active.get_mut(&number) else { return };
        let may_be_stored = part.stage.may_be_stored(len);
        if let Stage::Sending(sending) = &mut part.stage
            && !sending.requests.drop_flight(job)
        {
            let signed = sending.signed.clone();
            part.stage =
                if may_be_stored { Stage::Doubtful(NextStep::Send(signed)) } else { Stage::Ready(signed) };
        }
    }

    /// Requests without progress for too long.
    pub(in crate::upload) fn stalled(&self, timeout: Duration, now: Time) -> Vec<(PartNumber, JobId)> {
        let mut stalled = Vec::new();
        for (&number, part) in &self.active {
            let Stage::Sending(sending) = &part.stage else { continue };
            let Some(patience) = self.patience(number, part, timeout) else { continue };
            let flights = sending.requests.flights().filter(|flight| flight.stalls_at(patience) <= now);
            stalled.extend(flights.map(|flight| (number, flight.job)));
        }
        stalled
    }

    /// After a sleep nobody knows how the connections are: each gets until `deadline` to move.
    pub(in crate::upload) fn rearm(&mut self, timeout: Duration, deadline: Time) {
        let patiences = self.active.iter().map(|(&number, part)| self.patience(number, part, timeout));
        let patiences: Vec<_> = patiences.collect();
        for ((_, part), patience) in self.active.iter_mut().zip(patiences) {
            let (Stage::Sending(sending), Some(patience)) = (&mut part.stage, patience) else { continue };
            for flight in sending.requests.flights_mut() {
                flight.rearm(patience, deadline);
            }
        }
    }

    /// Marks the parts that are far behind what the others took, so that they are sent a second time.
    pub(in crate::upload) fn mark_stragglers(&mut self, settings: &Settings, now: Time) {
        if !self.is_at_tail() {
            return;
        }
        let late = |(&number, part): (&PartNumber, &Part)| match &part.stage {
            Stage::Sending(sending) => {
                self.straggles_at(number, sending, settings).filter(|&at| at <= now).map(|_| number)
            }
            _ => None,
        };
        let late: Vec<_> = self.active.iter().filter_map(late).collect();
        for number in late {
            if let Some(Stage::Sending(sending)) = self.active.get_mut(&number).map(|part| &mut part.stage) {
                sending.requests.second = Second::Wanted;
            }
        }
    }

    /// When a part that is sent once will have taken several times what others took.
    pub(super) fn straggles_at(
        &self,
        number: PartNumber,
        sending: &Sending,
        settings: &Settings,
    ) -> Option<Time> {
        if !matches!(sending.requests.second, Second::NotYet) {
            return None;
        }
        self.pace.straggles_at(&sending.requests.first, self.len(number), settings.stragglers())
    }
}
