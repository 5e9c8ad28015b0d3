//! One file's upload: its lifecycle, and the parts within it.

use crate::checksum::{Checksum, ChecksumKind};
use crate::error::ErrorCode;
use crate::part::{ByteRange, PartNumber};
use crate::plan::{Plan, Strategy};
use crate::progress::{Speedometer, Watermark};
use crate::time::{Time, earliest};
use crate::transfer::{Retried, TransferError};
use crate::wire::{CompleteUpload, CompletedUpload, CreateCopy, CreationId, NewUpload};

use super::action::FileInfo;
use super::parts::{PartWork, Parts};
use super::resume::{Resumable, UploadGrant};
use super::settings::Settings;
use super::status::{State, Status};

/// One file.
#[derive(Debug)]
pub(super) struct FileUpload {
    pub(super) info: FileInfo,
    /// The object that it is a copy of, if it is one: the store has its bytes, and the server says how many.
    pub(super) copy: Option<Box<CreateCopy>>,
    /// The name of its creation, which stays the same from the first request until it is granted.
    pub(super) creation: Option<CreationId>,
    pub(super) parts: Parts,
    /// The part size that the server is asked for.
    pub(super) wanted_part_size: Option<u64>,
    pub(super) phase: Phase,
    /// When it may be created, after the server has refused it for now.
    pub(super) admission: Retried,
    pub(super) shown: Watermark,
    pub(super) speed: Speedometer,
    /// The error because of which something is being retried, until something succeeds.
    pub(super) retry_reason: Option<ErrorCode>,
    /// The reason that was last reported.
    pub(super) reported_retry_reason: Option<ErrorCode>,
    /// How often the store turned out to lack what it had acknowledged.
    pub(super) reconciliations: u32,
    /// What was last told of how the upload can be resumed.
    pub(super) journaled: Option<Journaled>,
    /// What it could do when it was last touched.
    pub(super) work: Work,
}

/// What changes in what is kept of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journaled {
    pub(super) parts_stored: u32,
    /// How the file is cut, as the token has it.
    pub(super) strategy: Strategy,
}

/// The lifecycle.
#[derive(Debug)]
pub(super) enum Phase {
    /// Its first part is being hashed, or it waits for the next batch.
    Queued,
    /// In the batch that is on its way to the server.
    Creating(Intent),
    /// The store is asked what it has: because parts turned out to be missing or an object to be there, or at
    /// the beginning of an upload that goes on from elsewhere.
    Listing { grant: UploadGrant, list: Retried, reason: ListReason },
    /// A part that is stored already is compared with the file, before anything is added to it.
    Checking { grant: UploadGrant, part: PartNumber, range: ByteRange, stored: Checksum, asked: bool },
    /// Parts are hashed, signed and sent.
    Uploading { grant: UploadGrant, sign: Retried },
    /// All parts are acknowledged; the server verifies and completes.
    Completing { grant: UploadGrant, complete: Retried },
    /// The end: verified.
    Completed(Box<CompletedUpload>),
    /// The server removes what was stored.
    Aborting { grant: UploadGrant, abort: Retried },
    /// The end: nothing is left.
    Cancelled,
    /// Halted by the user.
    Paused(Parked),
    /// The end, unless it is retried.
    Failed { error: TransferError, parked: Parked },
}

/// What the user has asked for while the batch is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    Upload,
    Pause,
    /// Aborted as soon as it is granted.
    Abort,
}

/// Why the store is asked what it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListReason {
    /// The upload was begun elsewhere.
    Resumed,
    /// The server found parts missing or altered, or the store an object where this one is to be.
    Lost(TransferError),
    /// It was to be aborted, and is complete.
    TooLate(TransferError),
}

/// What an upload that stands still goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Parked {
    /// From the beginning: there is no upload, or no longer.
    Nothing,
    /// From whatever the store has.
    Unlisted(UploadGrant),
    /// From the parts that are known to be stored.
    Parts(UploadGrant),
    /// It was being aborted.
    Abort(UploadGrant),
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
    /// It is all stored, and can be completed together with others.
    pub(super) complete: bool,
    pub(super) send: bool,
    pub(super) ahead: u32,
    pub(super) deadline: Option<Time>,
}

impl FileUpload {
    pub(super) fn new(
        info: FileInfo,
        plan: Plan,
        wanted_part_size: Option<u64>,
        checksum: ChecksumKind,
    ) -> Self {
        Self {
            info,
            copy: None,
            creation: None,
            parts: Parts::new(plan, checksum),
            wanted_part_size,
            phase: Phase::Queued,
            admission: Retried::new(),
            shown: Watermark::default(),
            speed: Speedometer::default(),
            retry_reason: None,
            reported_retry_reason: None,
            reconciliations: 0,
            journaled: None,
            work: Work::default(),
        }
    }

    pub(super) const fn state(&self) -> State {
        match self.phase {
            Phase::Queued | Phase::Creating(Intent::Upload) => State::Waiting,
            Phase::Listing { reason: ListReason::TooLate(_), .. } => State::Cancelling,
            Phase::Uploading { .. } | Phase::Listing { .. } | Phase::Checking { .. } => State::Uploading,
            Phase::Paused(_) | Phase::Creating(Intent::Pause) => State::Paused,
            Phase::Completing { .. } => State::Finishing,
            Phase::Completed(_) => State::Completed,
            Phase::Creating(Intent::Abort) | Phase::Aborting { .. } => State::Cancelling,
            Phase::Cancelled => State::Cancelled,
            Phase::Failed { .. } => State::Failed,
        }
    }

    pub(super) fn status(&self, now: Time) -> Status<'_> {
        let state = self.state();
        let moving = state == State::Uploading;
        let left = self.info.size.map(|size| size.saturating_sub(self.shown.bytes()));
        Status {
            state,
            size: self.info.size,
            uploaded: self.shown.bytes(),
            part_count: self.info.size.map(|_| self.parts.plan().part_count()),
            parts_stored: self.parts.stored_count(),
            bytes_per_second: moving.then(|| self.speed.bytes_per_second(now)).flatten(),
            seconds_left: moving.then(|| self.speed.seconds_for(left?, now)).flatten(),
            waiting_for: if state.has_ended() { None } else { self.retry_reason },
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
        let parts = self.parts.work(settings, matches!(self.phase, Phase::Paused(_)));
        let call = self.call().is_some_and(Retried::is_due);
        let work = Work {
            open: !matches!(
                self.phase,
                Phase::Queued
                    | Phase::Paused(_)
                    | Phase::Completed(_)
                    | Phase::Cancelled
                    | Phase::Failed { .. }
            ),
            deadline: self.call().and_then(Retried::deadline),
            ..Work::default()
        };
        match self.phase {
            Phase::Queued if self.copy.is_some() => Work { call, ..work },
            Phase::Creating(_) if self.copy.is_some() => work,
            Phase::Queued => Work {
                queued: call,
                batchable: call && self.is_batchable(&parts),
                hash: parts.hash && parts.ahead == 0,
                ..work
            },
            Phase::Creating(Intent::Upload) => Work { hash: parts.hash, ahead: parts.ahead, ..work },
            Phase::Checking { asked, .. } => Work { hash: !asked, ..work },
            // What was on its way when it was paused may still arrive, or stall.
            Phase::Paused(_) => Work { deadline: parts.deadline, ..work },
            Phase::Uploading { .. } => Work {
                hash: parts.hash,
                call: call && (parts.sign || parts.ask),
                send: parts.send,
                ahead: parts.ahead,
                deadline: earliest(work.deadline, parts.deadline),
                ..work
            },
            // The store has completed a single PUT already; what is asked for is a look at it.
            Phase::Completing { .. } if !self.parts.plan().is_multipart() => Work { complete: call, ..work },
            _ => Work { call, ..work },
        }
    }

    /// The call that the phase is about.
    pub(super) const fn call(&self) -> Option<Retried> {
        match self.phase {
            Phase::Queued => Some(self.admission),
            Phase::Creating(_) if self.copy.is_some() => Some(self.admission),
            Phase::Uploading { sign: call, .. }
            | Phase::Listing { list: call, .. }
            | Phase::Completing { complete: call, .. }
            | Phase::Aborting { abort: call, .. } => Some(call),
            _ => None,
        }
    }

    pub(super) const fn call_mut(&mut self) -> Option<&mut Retried> {
        match &mut self.phase {
            Phase::Queued => Some(&mut self.admission),
            Phase::Creating(_) if self.copy.is_some() => Some(&mut self.admission),
            Phase::Uploading { sign: call, .. }
            | Phase::Listing { list: call, .. }
            | Phase::Completing { complete: call, .. }
            | Phase::Aborting { abort: call, .. } => Some(call),
            _ => None,
        }
    }

    /// Gives the call up if no answer came in time; whether that was so.
    pub(super) fn give_up_call(&mut self, now: Time) -> bool {
        self.call_mut().is_some_and(|call| call.give_up(now))
    }

    /// What the server granted, as long as that is of any use.
    pub(super) const fn grant(&self) -> Option<&UploadGrant> {
        match &self.phase {
            Phase::Uploading { grant, .. }
            | Phase::Listing { grant, .. }
            | Phase::Checking { grant, .. }
            | Phase::Completing { grant, .. }
            | Phase::Aborting { grant, .. }
            | Phase::Paused(Parked::Unlisted(grant) | Parked::Parts(grant))
            | Phase::Failed { parked: Parked::Unlisted(grant) | Parked::Parts(grant), .. } => Some(grant),
            _ => None,
        }
    }

    /// Whether it can go on after a reload.
    pub(super) fn is_resumable(&self) -> bool {
        self.copy.is_none()
            && !self.parts.is_stream()
            && self.parts.plan().is_multipart()
            && !matches!(
                self.phase,
                Phase::Aborting { .. } | Phase::Listing { reason: ListReason::TooLate(_), .. }
            )
            && self.grant().is_some()
    }

    /// What is told of that, when it is another than before.
    pub(super) fn to_journal(&self) -> Option<Journaled> {
        let grant = self.grant().filter(|_| self.is_resumable())?;
        Some(Journaled { parts_stored: self.parts.stored_count(), strategy: grant.strategy.clone() })
    }

    /// What has to be kept so that the upload can go on after a reload.
    pub(super) fn resumable(&self) -> Option<Resumable> {
        if !self.is_resumable() {
            return None;
        }
        Some(Resumable {
            grant: self.grant()?.clone(),
            checksum: self.parts.checksum_kind(),
            stored_bytes: self.parts.stored_bytes(),
        })
    }

    /// The phase that goes on from what was kept.
    pub(super) fn begin_from(&self, parked: Parked) -> Phase {
        match parked {
            Parked::Nothing => Phase::Queued,
            Parked::Unlisted(grant) => {
                Phase::Listing { grant, list: Retried::new(), reason: ListReason::Resumed }
            }
            Parked::Parts(grant) if self.parts.all_stored() => {
                Phase::Completing { grant, complete: Retried::new() }
            }
            Parked::Parts(grant) => Phase::Uploading { grant, sign: Retried::new() },
            Parked::Abort(grant) => Phase::Aborting { grant, abort: Retried::new() },
        }
    }

    /// The phase of one that was not created after all.
    pub(super) const fn uncreated(&self) -> Phase {
        match self.phase {
            Phase::Creating(Intent::Abort) => Phase::Cancelled,
            Phase::Creating(Intent::Pause) => Phase::Paused(Parked::Nothing),
            _ => Phase::Queued,
        }
    }

    pub(super) fn to_wire(&self) -> NewUpload {
        NewUpload {
            id: self.creation,
            name: self.info.name.clone(),
            size: self.info.size.filter(|_| !self.parts.is_unsized()),
            content_type: self.info.content_type.clone(),
            last_modified: self.info.last_modified,
            path: self.info.path.clone(),
            destination: self.info.destination.clone(),
            part_size: self.wanted_part_size,
            checksums: self.parts.leading_checksums(),
        }
    }

    /// What completes it; nothing while it has no grant.
    pub(super) fn to_complete(&self) -> Option<CompleteUpload> {
        Some(CompleteUpload {
            token: self.grant()?.token.clone(),
            parts: self.parts.completed(),
            checksum: self.parts.object_checksum(),
        })
    }

    /// Forgets the work under way, whose jobs the machine stops.
    pub(super) fn park(&mut self, finish_sending: bool) {
        self.parts.park(finish_sending);
        if let Some(call) = self.call_mut() {
            call.reset();
        }
        if let Phase::Checking { asked, .. } = &mut self.phase {
            *asked = false;
        }
        self.speed.reset();
    }

    /// Ends with an error, keeping what a retry can go on from. The work must be parked.
    pub(super) fn fail(&mut self, error: TransferError) {
        let gone = matches!(
            error.code,
            ErrorCode::UploadGone
                | ErrorCode::TokenExpired
                | ErrorCode::TokenInvalid
                | ErrorCode::TokenForeign
        );
        let parked = if gone { Parked::Nothing } else { self.parked() };
        self.retry_reason = None;
        self.phase = Phase::Failed { error, parked };
    }

    /// Returns what the upload would go on from, if it were halted now.
    pub(super) fn parked(&self) -> Parked {
        match &self.phase {
            Phase::Listing { grant, reason: ListReason::Resumed, .. } | Phase::Checking { grant, .. } => {
                Parked::Unlisted(grant.clone())
            }
            Phase::Aborting { grant, .. } | Phase::Listing { grant, reason: ListReason::TooLate(_), .. } => {
                Parked::Abort(grant.clone())
            }
            Phase::Uploading { grant, .. }
            | Phase::Listing { grant, .. }
            | Phase::Completing { grant, .. } => Parked::Parts(grant.clone()),
            Phase::Failed { parked, .. } | Phase::Paused(parked) => parked.clone(),
            Phase::Queued | Phase::Creating(_) | Phase::Completed(_) | Phase::Cancelled => Parked::Nothing,
        }
    }

    /// Whether it may go into a batch: its first checksum is known, or none is needed.
    fn is_batchable(&self, parts: &PartWork) -> bool {
        match self.parts.checksum_kind() {
            ChecksumKind::None if self.parts.is_stream() => parts.sign,
            ChecksumKind::None => true,
            ChecksumKind::Crc64Nvme | ChecksumKind::Md5 => parts.sign,
        }
    }
}
