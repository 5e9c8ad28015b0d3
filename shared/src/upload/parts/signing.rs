//! Parts on their way to a signed URL: hashed, where the store wants that, then signed.

use std::time::Duration;

use super::Parts;
use super::stage::{Signed, Stage};
use crate::checksum::{Checksum, ChecksumKind};
use crate::limits::MAX_PARTS_PER_SIGN;
use crate::part::{ByteRange, PartNumber};
use crate::time::Time;
use crate::transfer::{HostId, JobId};
use crate::wire::{PartToSign, SignedPut};

impl Parts {
    /// The next part to hash, and its bytes.
    pub(in crate::upload) fn start_hash(&mut self) -> Option<(PartNumber, ByteRange)> {
        let number = self.first_to_hash().or_else(|| self.open())?;
        let range = self.plan.range(number)?;
        self.active.get_mut(&number)?.stage = Stage::Hashing;
        Some((number, range))
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
        if self.checksum != ChecksumKind::None {
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

    /// Everything that needs a signature, up to what one request takes.
    pub(in crate::upload) fn start_sign(&mut self, job: JobId, most: usize) -> Vec<PartToSign> {
        let mut request = Vec::new();
        for (&part_number, part) in &mut self.active {
            if let Stage::ToSign(checksum) = part.stage {
                part.stage = Stage::Signing(checksum, job);
                request.push(PartToSign { part_number, checksum });
                if request.len() == most {
                    break;
                }
            }
        }
        request
    }

    /// Takes a signed URL, if its part still waits for one.
    pub(in crate::upload) fn signed(&mut self, put: SignedPut, now: Time) {
        if self.checksum == ChecksumKind::None && self.next == put.part_number.get() {
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
