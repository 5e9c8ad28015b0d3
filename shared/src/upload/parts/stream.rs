//! Parts of a stream: read once, one after the other, and kept by the driver until the store has them.

use std::collections::VecDeque;

use super::Parts;
use super::stage::{Part, Stage};
use crate::checksum::ChecksumKind;
use crate::part::{ByteRange, PartNumber};
use crate::plan::Plan;
use crate::upload::action::PartRead;

/// What was read of a stream.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// The place after the last byte that was read.
    read_to: u64,
    /// Whether the upload was created before the stream's end was seen, so that the token says no size.
    pub(super) is_unsized: bool,
    /// Bytes that the store has, and the driver may let go of.
    released: VecDeque<ByteRange>,
    /// Whether the driver has let go of any.
    has_released: bool,
}

impl Stream {
    pub(super) const fn lacks(&self, range: ByteRange) -> bool {
        range.end > self.read_to
    }
}

impl Parts {
    /// The parts of a stream of which nothing was read.
    pub(in crate::upload) fn of_stream(mut self) -> Self {
        self.stream =
            Some(Stream { read_to: 0, is_unsized: true, released: VecDeque::new(), has_released: false });
        self
    }

    /// The same bytes by another plan, from the first one: what was read of a stream stays.
    pub(in crate::upload) fn replanned(&mut self, plan: Plan, checksum: ChecksumKind) {
        let stream = self.stream.take();
        *self = Self::new(plan, checksum);
        self.stream = stream;
    }

    pub(in crate::upload) const fn is_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether the token says no size.
    pub(in crate::upload) fn is_unsized(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.is_unsized)
    }

    /// The stream's end was seen before the upload is created.
    pub(in crate::upload) fn set_sized(&mut self, is_sized: bool) {
        if let Some(stream) = &mut self.stream {
            stream.is_unsized = !is_sized;
        }
    }

    /// Whether all bytes can still be had from the first on.
    pub(in crate::upload) fn can_begin_anew(&self) -> bool {
        self.stream.as_ref().is_none_or(|stream| !stream.has_released)
    }

    /// Whether parts that the store has lost can be sent again: what it had of a stream was let go.
    pub(in crate::upload) fn can_go_on(&self) -> bool {
        self.stream.is_none() || self.again.is_empty()
    }

    /// Whether parts have to be read before they are sent.
    pub(super) const fn needs_reading(&self) -> bool {
        self.checksum.needs_hashing() || self.stream.is_some()
    }

    pub(super) fn is_unread(&self, number: PartNumber) -> bool {
        matches!((&self.stream, self.plan.range(number)), (Some(stream), Some(range)) if stream.lacks(range))
    }

    /// Whether the next part that is untouched has to be read.
    pub(super) fn is_unread_next(&self) -> bool {
        PartNumber::new(self.next).is_ok_and(|next| self.is_unread(next))
    }

    /// Whether the next bytes of a stream may be read: none are being, and the driver will hold no more than so many. One part it
    /// always may.
    pub(super) fn can_read(&self, window: u64) -> bool {
        let Some(stream) = &self.stream else { return true };
        let is_read = |(&number, part): (&PartNumber, &Part)| {
            matches!(part.stage, Stage::Hashing) && self.is_unread(number)
        };
        if self.active.iter().any(is_read) {
            return false;
        }
        let unread = self.active.keys().copied().find(|&number| self.is_unread(number));
        let next = unread.or_else(|| PartNumber::new(self.next).ok());
        let Some(range) = next.and_then(|next| self.plan.range(next)) else { return false };
        let held = stream.read_to.saturating_sub(self.stored_bytes);
        let of_others = held.saturating_sub(stream.read_to.saturating_sub(range.start));
        of_others == 0 || of_others.saturating_add(range.len()) <= window
    }

    /// Takes what was read of a part. Returns how long the stream is, if this was its end.
    pub(in crate::upload) fn read(&mut self, number: PartNumber, read: PartRead) -> Option<u64> {
        let range = self.plan.range(number)?;
        let end = range.start.saturating_add(read.len.min(range.len()));
        let stream = self.stream.as_mut()?;
        stream.read_to = stream.read_to.max(end);
        if let Some(part) = self.active.get_mut(&number)
            && matches!(part.stage, Stage::Hashing)
        {
            part.stage = Stage::ToSign(read.checksum);
        }
        // A stream that ends between two parts is seen to when no byte follows.
        if read.len == 0 && end > 0 {
            self.active.remove(&number);
            self.next = self.next.min(number.get());
        }
        read.is_last.then_some(end)
    }

    /// The first part is the whole file, which is sent by another plan.
    pub(in crate::upload) fn send_whole(&mut self, plan: Plan) {
        self.plan = plan;
    }

    /// The stream has so many bytes.
    pub(in crate::upload) fn end_at(&mut self, size: u64) {
        if let Some(plan) = self.plan.ending_at(size) {
            self.plan = plan;
        }
    }

    /// The store has a part: what the driver keeps of it may go.
    pub(super) fn release(&mut self, range: ByteRange) {
        if let Some(stream) = &mut self.stream {
            stream.released.push_back(range);
            stream.has_released = true;
        }
    }

    /// The next bytes that the driver may let go of.
    pub(in crate::upload) fn take_released(&mut self) -> Option<ByteRange> {
        self.stream.as_mut()?.released.pop_front()
    }
}
