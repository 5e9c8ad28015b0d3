//! The parts of one file, each on its way from untouched to stored.
//!
//! Only a window of parts is held in detail, however many there are: those
//! before it are stored, those after it untouched.

use std::time::Duration;

use crate::checksum::{ChecksumKind, Crc64Nvme};
use crate::limits::MAX_PARTS_PER_SIGN;
use crate::part::{ByteRange, ETag, PartNumber};
use crate::plan::Plan;
use crate::retry::RetryPolicy;
use crate::sorted::{SortedMap, SortedSet};
use crate::time::Time;
use crate::wire::{CompletedPart, PartToSign, SignedPut, StoredPart};

use super::action::JobId;
use super::failure::{PutVerdict, UploadError, Verdict};

/// All parts of one file.
#[derive(Debug)]
pub(super) struct Parts {
    plan: Plan,
    checksum: ChecksumKind,
    /// The lowest number never touched.
    next: u32,
    /// Parts that were stored once and have to be sent again.
    again: SortedSet<PartNumber>,
    active: SortedMap<PartNumber, Part>,
    /// By index; only as long as the highest stored part.
    stored: Vec<Option<Stored>>,
    stored_count: u32,
    stored_bytes: u64,
}

#[derive(Debug)]
struct Part {
    /// Failures in a row.
    failures: u32,
    /// Whether the last refusal of its signature was forgiven.
    resigned: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    ToHash,
    Hashing,
    ToSign(Option<Crc64Nvme>),
    Signing(Option<Crc64Nvme>, JobId),
    Ready(Signed),
    Sending { signed: Signed, job: JobId, sent: u64, progress_at: Time },
    Backoff { until: Time, then: Then },
}

/// What follows a wait.
#[derive(Debug)]
enum Then {
    Hash,
    Sign(Option<Crc64Nvme>),
    Send(Signed),
}

#[derive(Clone, Debug)]
struct Signed {
    checksum: Option<Crc64Nvme>,
    put: SignedPut,
    expires_at: Time,
}

#[derive(Clone, Debug)]
struct Stored {
    etag: ETag,
    checksum: Option<Crc64Nvme>,
}

/// What the parts of a file could do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PartWork {
    pub(super) hash: bool,
    pub(super) sign: bool,
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
            again: SortedSet::new(),
            active: SortedMap::new(),
            stored: Vec::new(),
            stored_count: 0,
            stored_bytes: 0,
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

    pub(super) fn all_stored(&self) -> bool {
        self.stored_count == self.plan.part_count()
    }

    /// Bytes stored, and bytes on their way.
    pub(super) fn bytes_sent(&self) -> u64 {
        let on_their_way = self.active.values().map(|part| match part.stage {
            Stage::Sending { sent, .. } => sent,
            _ => 0,
        });
        self.stored_bytes + on_their_way.sum::<u64>()
    }

    /// Surveys what can be done, and when something will have to be.
    pub(super) fn work(&self, stall_timeout: Duration) -> PartWork {
        let mut work = PartWork {
            hash: self.checksum == ChecksumKind::Crc64Nvme && self.has_untouched(),
            ..PartWork::default()
        };
        for part in self.active.values() {
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
                Stage::Sending { progress_at, .. } => Some(*progress_at + stall_timeout),
                Stage::Backoff { until, .. } => Some(*until),
            };
            work.deadline = earliest(work.deadline, deadline);
        }
        work
    }

    // Hashing.

    /// The next part to hash, and its bytes.
    pub(super) fn start_hash(&mut self) -> Option<(PartNumber, ByteRange)> {
        let number = self.first_to_hash().or_else(|| self.open())?;
        let range = self.plan.range(number)?;
        self.active.get_mut(number)?.stage = Stage::Hashing;
        Some((number, range))
    }

    pub(super) fn hashed(&mut self, number: PartNumber, checksum: Crc64Nvme) {
        if let Some(part) = self.active.get_mut(number)
            && matches!(part.stage, Stage::Hashing)
        {
            part.stage = Stage::ToSign(Some(checksum));
        }
    }

    /// The checksums of parts 1, 2, …, as far as they are known without a gap.
    pub(super) fn leading_checksums(&self) -> Vec<Crc64Nvme> {
        let known = self.plan.part_numbers().map_while(|number| match self.active.get(number)?.stage {
            Stage::ToSign(checksum) => checksum,
            _ => None,
        });
        known.take(MAX_PARTS_PER_SIGN).collect()
    }

    // Signing.

    /// Opens parts that need no hashing, so that `window` of them wait to be signed or sent.
    pub(super) fn open_unhashed(&mut self, window: u32) {
        if self.checksum != ChecksumKind::None {
            return;
        }
        let mut ahead = self.work(Duration::ZERO).ahead;
        // Half a window is left to empty, so that requests stay few.
        if ahead > window / 2 {
            return;
        }
        while ahead < window && self.open().is_some() {
            ahead += 1;
        }
    }

    /// Everything that needs a signature, up to what one request takes.
    pub(super) fn start_sign(&mut self, job: JobId) -> Vec<PartToSign> {
        let mut request = Vec::new();
        for (part_number, part) in self.active.iter_mut() {
            if let Stage::ToSign(checksum) = part.stage {
                part.stage = Stage::Signing(checksum, job);
                request.push(PartToSign { part_number, checksum });
                if request.len() == MAX_PARTS_PER_SIGN {
                    break;
                }
            }
        }
        request
    }

    /// Takes a signed URL, if its part still waits for one.
    pub(super) fn signed(&mut self, put: SignedPut, now: Time) {
        if self.checksum == ChecksumKind::None && self.next == put.part_number.get() {
            self.open();
        }
        if let Some(part) = self.active.get_mut(put.part_number)
            && let Stage::ToSign(checksum) | Stage::Signing(checksum, _) = part.stage
        {
            let expires_at = now + Duration::from_secs(put.expires_in);
            part.stage = Stage::Ready(Signed { checksum, put, expires_at });
        }
    }

    /// Returns what is still being signed by this job, because its answer did not bring it.
    pub(super) fn unsign(&mut self, job: JobId) -> bool {
        let mut any = false;
        for part in self.active.values_mut() {
            if let Stage::Signing(checksum, by) = part.stage
                && by == job
            {
                part.stage = Stage::ToSign(checksum);
                any = true;
            }
        }
        any
    }

    // Sending.

    /// The next part to PUT. URLs that expire by `usable_until` go back to be signed.
    pub(super) fn start_put(
        &mut self,
        job: JobId,
        now: Time,
        usable_until: Time,
    ) -> Option<(PartNumber, ByteRange, SignedPut)> {
        for (number, part) in self.active.iter_mut() {
            let Stage::Ready(signed) = &part.stage else { continue };
            if signed.expires_at <= usable_until {
                part.stage = Stage::ToSign(signed.checksum);
                continue;
            }
            let signed = signed.clone();
            let put = signed.put.clone();
            part.stage = Stage::Sending { signed, job, sent: 0, progress_at: now };
            return Some((number, self.plan.range(number)?, put));
        }
        None
    }

    /// Takes how much of a part has left; returns how much that is more than before.
    pub(super) fn put_progress(&mut self, number: PartNumber, total: u64, now: Time) -> u64 {
        let len = self.len(number);
        match self.active.get_mut(number).map(|part| &mut part.stage) {
            Some(Stage::Sending { sent, progress_at, .. }) => {
                let total = total.min(len);
                let more = total.saturating_sub(*sent);
                if more > 0 {
                    *sent = total;
                    *progress_at = now;
                }
                more
            }
            _ => 0,
        }
    }

    /// The store has acknowledged a part; returns bytes that no progress had reported.
    pub(super) fn put_done(&mut self, number: PartNumber, etag: ETag) -> u64 {
        let len = self.len(number);
        let Some(Part { stage: Stage::Sending { signed, sent, .. }, .. }) = self.active.remove(number) else {
            return 0;
        };
        if self.stored.len() <= number.index() {
            self.stored.resize(number.index() + 1, None);
        }
        if let Some(place) = self.stored.get_mut(number.index())
            && place.is_none()
        {
            *place = Some(Stored { etag, checksum: signed.checksum });
            self.stored_count += 1;
            self.stored_bytes += len;
        }
        // The network works: what the others suffered before does not add up.
        for part in self.active.values_mut() {
            part.failures = part.failures.min(1);
        }
        len - sent
    }

    /// A PUT failed: the part waits to be tried again, or the reason to give up comes back.
    pub(super) fn put_failed(
        &mut self,
        number: PartNumber,
        verdict: PutVerdict,
        policy: &RetryPolicy,
        luck: f64,
        now: Time,
    ) -> Result<Option<UploadError>, UploadError> {
        let Some(part) = self.active.get_mut(number) else { return Ok(None) };
        let Stage::Sending { signed, .. } = &part.stage else { return Ok(None) };
        let checksum = signed.checksum;
        let (error, retry_after, then) = match verdict {
            PutVerdict::Unauthorised { error } if !part.resigned => {
                part.resigned = true;
                part.stage = Stage::ToSign(checksum);
                self.distrust_signatures();
                return Ok(Some(error));
            }
            PutVerdict::Unauthorised { error } => (error, None, Then::Sign(checksum)),
            PutVerdict::Altered { error } if checksum.is_some() => (error, None, Then::Hash),
            PutVerdict::Altered { error } => (error, None, Then::Sign(None)),
            PutVerdict::Other(Verdict::Retry { error, retry_after }) => {
                (error, retry_after, Then::Send(signed.clone()))
            }
            PutVerdict::Other(Verdict::Final(error)) => return Err(error),
        };
        part.failures += 1;
        match policy.delay(part.failures, retry_after, luck) {
            Some(delay) => {
                part.stage = Stage::Backoff { until: now + delay, then };
                Ok(Some(error))
            }
            None => Err(error),
        }
    }

    /// A PUT was cut off through no fault of anybody's: it is ready to go again at once.
    pub(super) fn put_interrupted(&mut self, number: PartNumber) {
        if let Some(part) = self.active.get_mut(number)
            && let Stage::Sending { signed, .. } = &part.stage
        {
            part.stage = Stage::Ready(signed.clone());
        }
    }

    /// Parts on their way without progress since `timeout` ago.
    pub(super) fn stalled(&self, timeout: Duration, now: Time) -> Vec<(PartNumber, JobId)> {
        let stalled = self.active.iter().filter_map(|(number, part)| match part.stage {
            Stage::Sending { job, progress_at, .. } if progress_at + timeout <= now => Some((number, job)),
            _ => None,
        });
        stalled.collect()
    }

    /// Ends the waits that are over; all of them when `now` is `None`.
    pub(super) fn wake(&mut self, now: Option<Time>) {
        for part in self.active.values_mut() {
            if let Stage::Backoff { until, then } = &mut part.stage
                && now.is_none_or(|now| *until <= now)
            {
                let then = std::mem::replace(then, Then::Hash);
                part.stage = match then {
                    Then::Hash => Stage::ToHash,
                    Then::Sign(checksum) => Stage::ToSign(checksum),
                    Then::Send(signed) => Stage::Ready(signed),
                };
            }
        }
    }

    // Beginning anew.

    /// Forgets all work under way and every past failure. What is stored stays stored,
    /// and checksums that are known stay known.
    pub(super) fn park(&mut self) {
        for part in self.active.values_mut() {
            let checksum = match &part.stage {
                Stage::ToHash | Stage::Hashing | Stage::Backoff { then: Then::Hash, .. } => None,
                Stage::ToSign(checksum)
                | Stage::Signing(checksum, _)
                | Stage::Backoff { then: Then::Sign(checksum), .. } => *checksum,
                Stage::Ready(signed)
                | Stage::Sending { signed, .. }
                | Stage::Backoff { then: Then::Send(signed), .. } => signed.checksum,
            };
            part.stage = match (self.checksum, checksum) {
                (ChecksumKind::Crc64Nvme, None) => Stage::ToHash,
                (_, checksum) => Stage::ToSign(checksum),
            };
            part.failures = 0;
            part.resigned = false;
        }
    }

    /// Takes what the store really has; returns how many parts have to be sent again.
    pub(super) fn reconcile(&mut self, listed: &[StoredPart]) -> u32 {
        let listed: SortedMap<_, _> = listed.iter().map(|part| (part.part_number, part)).collect();
        let mut lost = 0;
        for number in self.plan.part_numbers() {
            let len = self.len(number);
            let Some(place) = self.stored.get_mut(number.index()) else { break };
            let Some(ours) = place else { continue };
            let same = listed.get(number).is_some_and(|theirs| {
                theirs.size == len
                    && theirs.etag == ours.etag
                    && (theirs.checksum.is_none()
                        || ours.checksum.is_none()
                        || theirs.checksum == ours.checksum)
            });
            if !same {
                *place = None;
                self.stored_count -= 1;
                self.stored_bytes -= len;
                self.again.insert(number);
                lost += 1;
            }
        }
        lost
    }

    // Completing.

    /// Every part's ETag, in order.
    pub(super) fn completed(&self) -> Vec<CompletedPart> {
        let numbered = self.plan.part_numbers().zip(&self.stored);
        let parts = numbered.filter_map(|(part_number, stored)| {
            Some(CompletedPart { part_number, etag: stored.as_ref()?.etag.clone() })
        });
        parts.collect()
    }

    /// The object's checksum, if every part's is known.
    pub(super) fn object_checksum(&self) -> Option<Crc64Nvme> {
        if self.checksum == ChecksumKind::None {
            return None;
        }
        let mut numbered = self.plan.part_numbers().zip(&self.stored);
        numbered.try_fold(Crc64Nvme::EMPTY, |whole, (number, stored)| {
            Some(whole.followed_by(stored.as_ref()?.checksum?, self.len(number)))
        })
    }

    // Helpers.

    fn has_untouched(&self) -> bool {
        !self.again.is_empty() || self.next <= self.plan.part_count()
    }

    fn first_to_hash(&self) -> Option<PartNumber> {
        self.active.iter().find(|(_, part)| matches!(part.stage, Stage::ToHash)).map(|(number, _)| number)
    }

    /// Begins the next untouched part.
    fn open(&mut self) -> Option<PartNumber> {
        let number = match self.again.pop_first() {
            Some(number) => number,
            None if self.next <= self.plan.part_count() => {
                let number = PartNumber::new(self.next).ok()?;
                self.next += 1;
                number
            }
            None => return None,
        };
        let stage = match self.checksum {
            ChecksumKind::Crc64Nvme => Stage::ToHash,
            ChecksumKind::None => Stage::ToSign(None),
        };
        self.active.insert(number, Part { failures: 0, resigned: false, stage });
        Some(number)
    }

    /// A signature was refused, so those given together with it are renewed before they fail too.
    fn distrust_signatures(&mut self) {
        for part in self.active.values_mut() {
            if let Stage::Ready(signed) = &part.stage {
                part.stage = Stage::ToSign(signed.checksum);
            }
        }
    }

    fn len(&self, number: PartNumber) -> u64 {
        self.plan.range(number).map_or(0, ByteRange::len)
    }
}

pub(super) fn earliest(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
