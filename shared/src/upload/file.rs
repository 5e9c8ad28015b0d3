//! One file's upload: its lifecycle, and the parts within it.

use crate::checksum::ChecksumKind;
use crate::error::ErrorCode;
use crate::plan::Plan;
use crate::progress::{Speedometer, Watermark};
use crate::time::Time;
use crate::wire::{CompletedUpload, NewUpload};

use super::action::FileInfo;
use super::call::Retried;
use super::failure::UploadError;
use super::parts::{PartWork, Parts, earliest};
use super::settings::Settings;
use super::status::{State, Status};

/// One file.
#[derive(Debug)]
pub(super) struct FileUpload {
    pub(super) info: FileInfo,
    pub(super) parts: Parts,
    pub(super) phase: Phase,
    pub(super) shown: Watermark,
    pub(super) speed: Speedometer,
    /// Why something is being tried again, until something succeeds.
    pub(super) trouble: Option<ErrorCode>,
    /// How often the store turned out to lack what it had acknowledged.
    pub(super) reconciliations: u32,
}

/// The lifecycle.
#[derive(Debug)]
pub(super) enum Phase {
    /// Its first part is being hashed, or it waits for the next batch.
    Queued,
    /// In the batch that is on its way to the server.
    Creating,
    /// Cancelled while the batch is on its way; aborted as soon as it is granted.
    Abandoned,
    /// Parts are hashed, signed and sent.
    Uploading { token: String, sign: Retried },
    /// The server found parts missing; the store is asked which.
    Listing { token: String, list: Retried, error: UploadError },
    /// All parts are acknowledged; the server verifies and completes.
    Completing { token: String, complete: Retried },
    /// The end: verified.
    Completed(Box<CompletedUpload>),
    /// The server removes what was stored.
    Aborting { token: String, abort: Retried },
    /// The end: nothing is left.
    Cancelled,
    /// The end, unless it is retried.
    Failed { error: UploadError, parked: Parked },
}

/// What a failed upload goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Parked {
    /// From the beginning: there is no upload, or no longer.
    Nothing,
    /// From the parts that are stored.
    Parts { token: String },
    /// It was being aborted.
    Abort { token: String },
}

/// What a file could do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// It waits to be created.
    pub(super) queued: bool,
    /// It waits to be created and its first checksum is known.
    pub(super) batchable: bool,
    /// It counts among the open ones.
    pub(super) open: bool,
    pub(super) hash: bool,
    pub(super) call: bool,
    pub(super) send: bool,
    pub(super) ahead: u32,
    pub(super) deadline: Option<Time>,
}

impl FileUpload {
    pub(super) fn new(info: FileInfo, plan: Plan, checksum: ChecksumKind) -> Self {
        Self {
            info,
            parts: Parts::new(plan, checksum),
            phase: Phase::Queued,
            shown: Watermark::default(),
            speed: Speedometer::default(),
            trouble: None,
            reconciliations: 0,
        }
    }

    pub(super) const fn state(&self) -> State {
        match self.phase {
            Phase::Queued | Phase::Creating => State::Waiting,
            Phase::Uploading { .. } | Phase::Listing { .. } => State::Uploading,
            Phase::Completing { .. } => State::Finishing,
            Phase::Completed(_) => State::Completed,
            Phase::Abandoned | Phase::Aborting { .. } => State::Cancelling,
            Phase::Cancelled => State::Cancelled,
            Phase::Failed { .. } => State::Failed,
        }
    }

    pub(super) fn status(&self, now: Time) -> Status<'_> {
        let state = self.state();
        let moving = state == State::Uploading;
        let left = self.info.size.saturating_sub(self.shown.bytes());
        Status {
            state,
            size: self.info.size,
            uploaded: self.shown.bytes(),
            part_count: self.parts.plan().part_count(),
            parts_stored: self.parts.stored_count(),
            bytes_per_second: moving.then(|| self.speed.bytes_per_second(now)).flatten(),
            seconds_left: moving.then(|| self.speed.seconds_for(left, now)).flatten(),
            waiting_for: if state.has_ended() { None } else { self.trouble },
            result: match &self.phase {
                Phase::Completed(result) => Some(result),
                _ => None,
            },
            error: match &self.phase {
                Phase::Failed { error, .. } => Some(error),
                _ => None,
            },
        }
    }

    pub(super) fn work(&self, settings: &Settings) -> Work {
        let parts = self.parts.work(settings.stall_timeout);
        let call = self.call().is_some_and(Retried::is_due);
        let work = Work {
            open: !matches!(
                self.phase,
                Phase::Queued | Phase::Completed(_) | Phase::Cancelled | Phase::Failed { .. }
            ),
            deadline: self.call().and_then(Retried::deadline),
            ..Work::default()
        };
        match self.phase {
            Phase::Queued => Work {
                queued: true,
                batchable: self.is_batchable(&parts),
                hash: parts.hash && parts.ahead == 0,
                ..work
            },
            Phase::Creating => Work { hash: parts.hash, ahead: parts.ahead, ..work },
            Phase::Uploading { .. } => Work {
                hash: parts.hash,
                call: call && parts.sign,
                send: parts.send,
                ahead: parts.ahead,
                deadline: earliest(work.deadline, parts.deadline),
                ..work
            },
            _ => Work { call, ..work },
        }
    }

    /// The call that the phase is about.
    pub(super) const fn call(&self) -> Option<Retried> {
        match self.phase {
            Phase::Uploading { sign: call, .. }
            | Phase::Listing { list: call, .. }
            | Phase::Completing { complete: call, .. }
            | Phase::Aborting { abort: call, .. } => Some(call),
            _ => None,
        }
    }

    pub(super) const fn call_mut(&mut self) -> Option<&mut Retried> {
        match &mut self.phase {
            Phase::Uploading { sign: call, .. }
            | Phase::Listing { list: call, .. }
            | Phase::Completing { complete: call, .. }
            | Phase::Aborting { abort: call, .. } => Some(call),
            _ => None,
        }
    }

    pub(super) fn token(&self) -> Option<&str> {
        match &self.phase {
            Phase::Uploading { token, .. }
            | Phase::Listing { token, .. }
            | Phase::Completing { token, .. }
            | Phase::Aborting { token, .. } => Some(token),
            _ => None,
        }
    }

    pub(super) fn to_wire(&self, settings: &Settings) -> NewUpload {
        NewUpload {
            name: self.info.name.clone(),
            size: self.info.size,
            content_type: self.info.content_type.clone(),
            last_modified: self.info.last_modified,
            path: self.info.path.clone(),
            destination: self.info.destination.clone(),
            part_size: settings.part_size,
            checksums: self.parts.leading_checksums(),
        }
    }

    /// Forgets the work under way, whose jobs the machine stops.
    pub(super) fn park(&mut self) {
        self.parts.park();
        if let Some(call) = self.call_mut() {
            call.reset();
        }
        self.speed.reset();
    }

    /// Ends with an error, keeping what a retry can go on from. The work must be parked.
    pub(super) fn fail(&mut self, error: UploadError) {
        let gone = matches!(
            error.code,
            ErrorCode::UploadGone
                | ErrorCode::TokenExpired
                | ErrorCode::TokenInvalid
                | ErrorCode::TokenForeign
        );
        let parked = match std::mem::replace(&mut self.phase, Phase::Cancelled) {
            _ if gone => Parked::Nothing,
            Phase::Uploading { token, .. }
            | Phase::Listing { token, .. }
            | Phase::Completing { token, .. } => Parked::Parts { token },
            Phase::Aborting { token, .. } => Parked::Abort { token },
            Phase::Failed { parked, .. } => parked,
            _ => Parked::Nothing,
        };
        self.trouble = None;
        self.phase = Phase::Failed { error, parked };
    }

    /// Whether it may go into a batch: its first checksum is known, or none is needed.
    fn is_batchable(&self, parts: &PartWork) -> bool {
        match self.parts.checksum_kind() {
            ChecksumKind::None => true,
            ChecksumKind::Crc64Nvme => parts.sign,
        }
    }
}
