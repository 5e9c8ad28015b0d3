//! Parts that the store has acknowledged, and what it says of them later.

use super::Parts;
use crate::checksum::{Checksum, ChecksumKind, Crc64Nvme, Md5};
use crate::part::{ByteRange, ETag, PartNumber};
use crate::wire::{CompletedPart, StoredPart};

#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) etag: ETag,
    pub(super) checksum: Option<Checksum>,
}

impl Parts {
    pub(super) fn store(&mut self, number: PartNumber, stored: Stored) {
        let len = self.len(number);
        if self.stored.len() <= number.index() {
            self.stored.resize(number.index() + 1, None);
        }
        if let Some(place) = self.stored.get_mut(number.index())
            && place.is_none()
        {
            *place = Some(stored);
            self.stored_count += 1;
            self.stored_bytes += len;
            if let Some(range) = self.plan.range(number) {
                self.release(range);
            }
        }
    }

    /// Takes what the store really has; returns how many parts have to be sent again.
    pub(in crate::upload) fn reconcile(&mut self, listed: &[StoredPart]) -> u32 {
        let mut found = vec![None; self.stored.len()];
        for part in listed {
            if let Some(place) = found.get_mut(part.part_number.index()) {
                *place = Some(part);
            }
        }
        let mut lost = 0;
        for number in self.plan.part_numbers() {
            let len = self.len(number);
            let Some(place) = self.stored.get_mut(number.index()) else { break };
            let Some(ours) = place else { continue };
            let theirs = found.get(number.index()).copied().flatten();
            let same = theirs.is_some_and(|theirs: &StoredPart| {
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
                self.again.push_back(number);
                lost += 1;
            }
        }
        lost
    }

    /// What the store says that a part hashes to, as this upload is checked.
    pub(super) fn checksum_of(&self, part: &StoredPart) -> Option<Checksum> {
        match self.checksum {
            ChecksumKind::Crc64Nvme => part.checksum.filter(|checksum| checksum.kind() == self.checksum),
            ChecksumKind::Md5 => Md5::from_etag(&part.etag).map(Into::into),
            ChecksumKind::None => part.checksum,
        }
    }

    /// Begins from what the store has of an upload that was begun elsewhere. Parts of another
    /// size, and parts of which nobody knows the checksum that completing needs, are sent again.
    pub(in crate::upload) fn adopt(&mut self, listed: &[StoredPart]) {
        let plan = self.plan.clone();
        *self = Self::new(plan.clone(), self.checksum);
        for part in listed {
            let number = part.part_number;
            if plan.range(number).map(ByteRange::len) != Some(part.size) {
                continue;
            }
            let checksum = self.checksum_of(part);
            if checksum.is_some() || !self.checksum.needs_hashing() {
                self.store(number, Stored { etag: part.etag.clone(), checksum });
            }
        }
        self.next = u32::try_from(self.stored.len()).unwrap_or(u32::MAX).saturating_add(1);
        let gaps = plan.part_numbers().zip(&self.stored).filter(|(_, stored)| stored.is_none());
        self.again = gaps.map(|(number, _)| number).collect();
    }

    /// Returns a stored part whose checksum is known, for comparing it with the file. `random` is from 0 to 1.
    pub(in crate::upload) fn sample(&self, random: f64) -> Option<(PartNumber, ByteRange, Checksum)> {
        let known = || {
            let stored = self.plan.part_numbers().zip(&self.stored);
            stored.filter_map(|(number, stored)| Some((number, stored.as_ref()?.checksum?)))
        };
        let pick = (known().count() as f64 * random) as usize;
        let (number, checksum) = known().nth(pick).or_else(|| known().next())?;
        Some((number, self.plan.range(number)?, checksum))
    }

    /// Every part's ETag, in order.
    pub(in crate::upload) fn completed(&self) -> Vec<CompletedPart> {
        let numbered = self.plan.part_numbers().zip(&self.stored);
        let parts = numbered.filter_map(|(part_number, stored)| {
            Some(CompletedPart { part_number, etag: stored.as_ref()?.etag.clone() })
        });
        parts.collect()
    }

    /// The object's checksum, where every part's is known and they can be combined.
    pub(in crate::upload) fn object_checksum(&self) -> Option<Crc64Nvme> {
        if self.checksum != ChecksumKind::Crc64Nvme {
            return None;
        }
        let mut numbered = self.plan.part_numbers().zip(&self.stored);
        numbered.try_fold(Crc64Nvme::EMPTY, |combined, (number, stored)| {
            Some(combined.followed_by(stored.as_ref()?.checksum?.crc64nvme()?, self.len(number)))
        })
    }
}
