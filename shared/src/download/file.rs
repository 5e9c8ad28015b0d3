//! One file's download: its lifecycle, and what is known of its object.

use crate::checksum::ChecksumKind;
use crate::error::ErrorCode;
use crate::progress::{Speedometer, Watermark};
use crate::time::{Time, earliest};
use crate::transfer::{HostId, Retried, TransferError};
use crate::wire::{Looks, ObjectInfo, ObjectToSign};

use super::action::{NewDownload, Sink};
use super::partial::Partial;
use super::ranges::Ranges;
use super::settings::Settings;
use super::status::{Downloaded, State, Status};

/// One file.
#[derive(Debug)]
pub(super) struct FileDownload {
    pub(super) wanted: NewDownload,
    pub(super) phase: Phase,
    /// The call that signs for it.
    pub(super) sign: Retried,
    pub(super) url: Option<Url>,
    /// How many URLs it has had.
    pub(super) urls: u32,
    /// The object and its bytes, once it was looked at.
    pub(super) content: Option<Box<Content>>,
    /// What is there from before, until the object was looked at.
    pub(super) kept: Option<Partial>,
    /// Whether it began anew because the object had changed, which is done once.
    pub(super) has_restarted: bool,
    pub(super) shown: Watermark,
    pub(super) speed: Speedometer,
    /// The error because of which something is being retried, until something succeeds.
    pub(super) retry_reason: Option<ErrorCode>,
    /// The reason that was last reported.
    pub(super) reported_retry_reason: Option<ErrorCode>,
    /// The bytes of the journal when that was last told.
    pub(super) journaled: Option<u64>,
    /// What it could do when it was last touched.
    pub(super) work: Work,
}

/// An object, and what of it has come.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) object: ObjectInfo,
    pub(super) ranges: Ranges,
}

/// A URL for all bytes of the object.
#[derive(Clone, Debug)]
pub(super) struct Url {
    pub(super) url: String,
    pub(super) host: HostId,
    /// After that it is not used any more.
    pub(super) usable_until: Time,
}

/// The lifecycle.
#[derive(Debug)]
pub(super) enum Phase {
    /// It waits to be signed for and looked at.
    Waiting,
    /// Bytes come.
    Fetching,
    /// The file is being closed, with what was verified.
    Saving { is_asked: bool, result: Downloaded },
    /// The end.
    Completed(Downloaded),
    /// The end: what has come is of no use.
    Cancelled,
    /// Halted by the user.
    Paused,
    /// The end, unless it is retried, which may have to begin anew.
    Failed { error: TransferError, is_void: bool },
}

/// What a file could do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) queued: bool,
    pub(super) resign: bool,
    pub(super) get: bool,
    pub(super) save: bool,
    /// It counts among the open ones.
    pub(super) open: bool,
    pub(super) deadline: Option<Time>,
}

impl FileDownload {
    pub(super) fn new(wanted: NewDownload, kept: Option<Partial>) -> Self {
        Self {
            wanted,
            phase: Phase::Waiting,
            sign: Retried::new(),
            url: None,
            urls: 0,
            content: None,
            kept,
            has_restarted: false,
            shown: Watermark::default(),
            speed: Speedometer::default(),
            retry_reason: None,
            reported_retry_reason: None,
            journaled: None,
            work: Work::default(),
        }
    }

    pub(super) const fn state(&self) -> State {
        match self.phase {
            Phase::Waiting => State::Waiting,
            Phase::Fetching => State::Downloading,
            Phase::Saving { .. } => State::Saving,
            Phase::Completed(_) => State::Completed,
            Phase::Cancelled => State::Cancelled,
            Phase::Paused => State::Paused,
            Phase::Failed { .. } => State::Failed,
        }
    }

    pub(super) fn status(&self, now: Time) -> Status<'_> {
        let state = self.state();
        let moving = state == State::Downloading;
        let object = self.content.as_ref().map(|content| &content.object);
        let size = object.map(|object| object.size);
        let downloaded = self.shown.bytes();
        let left = size.unwrap_or_default().saturating_sub(downloaded);
        Status {
            state,
            size,
            downloaded,
            bytes_per_second: moving.then(|| self.speed.bytes_per_second(now)).flatten(),
            seconds_left: moving.then(|| self.speed.seconds_for(left, now)).flatten(),
            waiting_for: if state.has_ended() { None } else { self.retry_reason },
            object,
            result: match &self.phase {
                Phase::Completed(result) => Some(*result),
                _ => None,
            },
            error: match &self.phase {
                Phase::Failed { error, .. } => Some(error),
                _ => None,
            },
        }
    }

    pub(super) fn work(&self, settings: &Settings) -> Work {
        let ranges = self.ranges();
        match self.phase {
            Phase::Waiting => Work {
                queued: self.sign.is_due(),
                open: self.sign.is_in_flight(),
                deadline: self.sign.deadline(),
                ..Work::default()
            },
            Phase::Fetching => {
                let can_start = ranges.is_some_and(Ranges::can_start);
                let ranges =
                    ranges.and_then(|ranges| ranges.deadline(settings.stall_timeout, settings.stragglers()));
                Work {
                    resign: can_start && self.url.is_none() && self.sign.is_due(),
                    get: can_start && self.url.is_some(),
                    open: true,
                    deadline: earliest(self.sign.deadline(), ranges),
                    ..Work::default()
                }
            }
            Phase::Saving { is_asked, .. } => Work { save: !is_asked, open: true, ..Work::default() },
            _ => Work::default(),
        }
    }

    pub(super) fn ranges(&self) -> Option<&Ranges> {
        self.content.as_ref().map(|content| &content.ranges)
    }

    pub(super) fn ranges_mut(&mut self) -> Option<&mut Ranges> {
        self.content.as_mut().map(|content| &mut content.ranges)
    }

    /// Whether an object is one GET.
    pub(super) fn is_small(&self, settings: &Settings) -> bool {
        self.content.as_ref().is_some_and(|content| content.object.size <= settings.single_get_max)
    }

    /// What of its object is fetched in one go, where the rest is measured by this.
    pub(super) fn wanted_range_size(&self, settings: &Settings, speed: Option<f64>) -> u64 {
        let size = self.content.as_ref().map_or(0, |content| content.object.size);
        if size <= settings.single_get_max { size.max(1) } else { settings.wanted_range_size(size, speed) }
    }

    /// Bytes that have come.
    pub(super) fn received(&self) -> u64 {
        match (&self.content, &self.kept) {
            (Some(content), _) => content.ranges.received(),
            (None, Some(kept)) => kept.bytes(),
            (None, None) => 0,
        }
    }

    pub(super) fn to_wire(&self) -> ObjectToSign {
        ObjectToSign {
            destination: self.wanted.object.destination.clone(),
            key: self.wanted.object.key.clone(),
            version_id: self.wanted.object.version_id.clone(),
            response: self.wanted.response.clone(),
            look: Looks(self.content.is_none()),
            ..ObjectToSign::default()
        }
    }

    /// What has to be kept so that the download can go on after a crash.
    pub(super) fn partial(&self) -> Option<Partial> {
        if !self.is_kept() {
            return None;
        }
        let Some(content) = &self.content else { return self.kept.clone() };
        let partial = Partial {
            object: self.wanted.object.clone(),
            etag: content.object.etag.clone(),
            size: content.object.size,
            ranges: content.ranges.stored(),
        };
        Some(partial).filter(|partial| !partial.ranges.is_empty())
    }

    /// The bytes that make it worth telling that what is kept has changed: those of whole ranges.
    pub(super) fn journal_bytes(&self) -> Option<u64> {
        let bytes = match &self.content {
            Some(content) => content.ranges.done_bytes(),
            None => self.kept.as_ref().map_or(0, Partial::bytes),
        };
        Some(bytes).filter(|&bytes| self.is_kept() && bytes > 0)
    }

    /// Whether what is there is of use after a crash.
    fn is_kept(&self) -> bool {
        self.wanted.sink == Sink::Random
            && !matches!(
                self.phase,
                Phase::Completed(_) | Phase::Cancelled | Phase::Failed { is_void: true, .. }
            )
    }

    /// Forgets the work under way, whose jobs the machine stops.
    pub(super) fn park(&mut self) {
        if let Some(ranges) = self.ranges_mut() {
            ranges.park();
        }
        self.sign.reset();
        self.speed.reset();
        if let Phase::Saving { is_asked, .. } = &mut self.phase {
            *is_asked = false;
        }
    }

    /// Ends with an error. What has come is of no use for a retry if it is `void`. The work must be parked.
    pub(super) fn fail(&mut self, error: TransferError) {
        use ErrorCode::{DownloadCorrupt, FileUnwritable, ObjectChanged};
        let is_void = matches!(error.code, DownloadCorrupt | FileUnwritable | ObjectChanged);
        self.retry_reason = None;
        self.phase = Phase::Failed { error, is_void };
    }

    /// Whether it can begin anew: nothing was given out that cannot be taken back.
    pub(super) fn can_begin_anew(&self) -> bool {
        !self.ranges().is_some_and(Ranges::is_irrevocable)
    }

    /// Begins from the first byte, with a look at the object.
    pub(super) fn begin_anew(&mut self) {
        self.sign.reset();
        self.url = None;
        self.content = None;
        self.kept = None;
        self.shown = Watermark::default();
        self.phase = Phase::Waiting;
    }

    /// Goes on from what has come.
    pub(super) fn go_on(&mut self) {
        self.phase = if self.content.is_some() { Phase::Fetching } else { Phase::Waiting };
    }

    /// Moves on once all bytes are there, and the consumer has them.
    pub(super) fn advance(&mut self) -> Result<(), TransferError> {
        let (Phase::Fetching, Some(ranges)) = (&self.phase, self.ranges()) else { return Ok(()) };
        if !ranges.all_done() {
            return Ok(());
        }
        let Some(verified) = ranges.verify() else {
            let detail =
                "its bytes differ from those that the store has verified; what has come was discarded";
            return Err(TransferError::new(ErrorCode::DownloadCorrupt, detail));
        };
        if ranges.all_taken() {
            let checksum = if verified == ChecksumKind::Md5 { None } else { ranges.crc64nvme() };
            self.retry_reason = None;
            self.phase = Phase::Saving { is_asked: false, result: Downloaded { verified, checksum } };
        }
        Ok(())
    }
}
