//! Parts on their way to a signed URL: hashed, where the store wants that, then signed.

use std::time::Duration;

use super::stage::{Signed, Stage};
use super::{Parts, Recut};
use crate::checksum::Checksum;
use crate::limits::MAX_PARTS_PER_SIGN;
use crate::part::{ByteRange, PartNumber};
use crate::plan::Strategy;
use crate::time::Time;
use crate::transfer::{HostId, JobId};
use crate::wire::{PartToSign, SignedPut};

/// A part to hash.
pub(in crate::upload) struct ToHash {
    pub(in crate::upload) part: PartNumber,
    pub(in crate::upload) range: ByteRange,
    /// Whether its bytes have to be read from a stream.
    pub(in crate::upload) is_unread: bool,
}

impl Parts {
    /// The next part to hash, and its bytes, which of a stream may have to be read first, as far as the driver can keep so many.
    pub(in crate::upload) fn start_hash(&mut self, stream_window: u64) -> Option<ToHash> {
        let can_read = self.can_read(stream_window);
        let waiting = self.first_to_hash().filter(|&part| can_read || !self.is_unread(part));
        let part = match waiting {
            Some(part) => part,
            None if can_read || !self.is_unread_next() => self.open()?,
            None => return None,
        };
        let range = self.plan.range(part)?;
        let is_unread = self.is_unread(part);
        self.active.get_mut(&part)?.stage = Stage::Hashing;
        Some(ToHash { part, range, is_unread })
    }

    pub(in crate::upload) fn hashed(&mut self, number: PartNumber, checksum: Checksum) {
        if let Some(part) = self.active.get_mut(&number)
            && matches!(part.stage, Stage::Hashing)
        {
            part.stage = Stage::ToSign(Some(checksum));
        }
    }

    /// The checksums of parts 1, 2, …, as far as they are known without a gap.
    pub(in crate::upload) fn leading_checksums(&self) -> Vec<Checksum> {
        let known = self.plan.part_numbers().map_while(|number| match self.active.get(&number)?.stage {
            Stage::ToSign(checksum) => checksum,
            _ => None,
        });
        known.take(MAX_PARTS_PER_SIGN).collect()
    }

    /// Opens parts that need no hashing, so that `window` of them wait to be signed or sent.
    pub(in crate::upload) fn open_unhashed(&mut self, window: u32) {
        if self.needs_reading() {
            // What was read already, by another plan, has only to be signed.
            while !self.checksum.needs_hashing() && self.has_untouched() && !self.is_unread_next() {
                self.open();
            }
            return;
        }
        let is_ahead =
            |stage: &Stage| matches!(stage, Stage::ToSign(_) | Stage::Signing(..) | Stage::Ready(_));
        let ahead = self.active.values().filter(|part| is_ahead(&part.stage)).count();
        let mut ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        // Half a window is left to empty, so that requests stay few.
        if ahead > window / 2 {
            return;
        }
        while ahead < window && self.open().is_some() {
            ahead += 1;
        }
    }

    /// Everything that needs a signature, up to what one request takes, and the plan, if the token is of another.
    pub(in crate::upload) fn start_sign(
        &mut self,
        job: JobId,
        most: usize,
    ) -> (Vec<PartToSign>, Option<Strategy>) {
        let mut request = Vec::new();
        // The token of a stream does not say which part is its last.
        let last = self.plan.size().filter(|_| self.is_unsized()).map(|_| self.plan.part_count());
        for (&part_number, part) in &mut self.active {
            if let Stage::ToSign(checksum) = part.stage {
                part.stage = Stage::Signing(checksum, job);
                let size = self.plan.range(part_number).filter(|_| last == Some(part_number.get()));
                request.push(PartToSign { part_number, size: size.map(ByteRange::len), checksum });
                if request.len() == most {
                    break;
                }
            }
        }
        if self.recut == Recut::Granted {
            return (request, None);
        }
        self.recut = Recut::Asked(job);
        (request, Some(self.plan.strategy().clone()))
    }

    /// Whether this request has asked for the plan.
    pub(in crate::upload) fn has_asked_for_plan(&self, job: JobId) -> bool {
        self.recut == Recut::Asked(job)
    }

    /// The token is of this plan now.
    pub(in crate::upload) const fn plan_granted(&mut self) {
        self.recut = Recut::Granted;
    }

    /// Takes a signed URL, if its part still waits for one.
    pub(in crate::upload) fn signed(&mut self, put: SignedPut, now: Time) {
        if !self.needs_reading() && self.next == put.part_number.get() {
            self.open();
        }
        if let Some(part) = self.active.get_mut(&put.part_number)
            && let Stage::ToSign(checksum) | Stage::Signing(checksum, _) = part.stage
        {
            let expires_at = now + Duration::from_secs(put.expires_in);
            part.stage = Stage::Ready(Signed { checksum, host: HostId::of(&put.url), put, expires_at });
        }
    }

    /// Takes back what is still being signed by this job, because its answer did not bring it; returns how many parts
    /// that is.
    pub(in crate::upload) fn unsign(&mut self, job: JobId) -> usize {
        if self.recut == Recut::Asked(job) {
            self.recut = Recut::Wanted;
        }
        let mut count = 0;
        for (_, part) in &mut self.active {
            if let Stage::Signing(checksum, by) = part.stage
                && by == job
            {
                part.stage = Stage::ToSign(checksum);
                count += 1;
            }
        }
        count
    }

    /// A signature was refused, so those given together with it are renewed before they fail too.
    pub(super) fn distrust_signatures(&mut self) {
        for (_, part) in &mut self.active {
            if let Stage::Ready(signed) = &part.stage {
                part.stage = Stage::ToSign(signed.checksum);
            }
        }
    }

    fn first_to_hash(&self) -> Option<PartNumber> {
        self.active.iter().find(|(_, part)| matches!(part.stage, Stage::ToHash)).map(|(&number, _)| number)
    }
}
