//! What users ask for.

use super::{Core, Job, Uploader};
use crate::checksum::ChecksumKind;
use crate::plan::{FileTooLarge, PartSizes, Plan};
use crate::transfer::{FileId, Retried};
use crate::upload::action::FileInfo;
use crate::upload::file::{FileUpload, Intent, ListReason, Parked, Phase, Work};
use crate::upload::parts::Parts;
use crate::upload::resume::Resumable;
use crate::wire::CreateCopy;

/// What a pause does with the parts that are on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InFlight {
    /// They are broken off, and sent again later.
    #[default]
    Abandon,
    /// They are sent to their end.
    Finish,
}

impl Uploader {
    /// Takes a file to upload.
    ///
    /// # Errors
    /// When it is larger than an object can be.
    pub fn add(&mut self, info: FileInfo) -> Result<FileId, FileTooLarge> {
        let id = self.next_id();
        self.add_as(id, info).map(|()| id)
    }

    /// The same under an id of the caller's, which no other file of this machine may have.
    ///
    /// # Errors
    /// When it is larger than an object can be.
    pub fn add_as(&mut self, id: FileId, info: FileInfo) -> Result<(), FileTooLarge> {
        let (plan, wanted_part_size) = self.core.plan(info.size)?;
        let is_stream = info.size.is_none();
        let mut file = FileUpload::new(info, plan, wanted_part_size, self.core.checksum);
        if is_stream {
            file.parts = file.parts.of_stream();
        }
        self.admit(id, file);
        Ok(())
    }

    /// Takes an object to copy, whose bytes never come here.
    ///
    /// It is called by the name that the copy is to have, else by the object's key. Its size is 0 until the server has said what it
    /// is. It cannot go on after a reload: nothing is kept of it.
    pub fn add_copy(&mut self, copy: CreateCopy) -> FileId {
        let id = self.next_id();
        self.add_copy_as(id, copy);
        id
    }

    /// The same under an id of the caller's, which no other file of this machine may have.
    pub fn add_copy_as(&mut self, id: FileId, copy: CreateCopy) {
        // Its size is not known, but it is no stream.
        let info =
            FileInfo { name: copy.to.name.as_ref().unwrap_or(&copy.from.key).clone(), ..FileInfo::default() };
        let mut file = FileUpload::new(info, Plan::EMPTY, None, ChecksumKind::None);
        file.copy = Some(Box::new(copy));
        self.admit(id, file);
    }

    /// Takes a file whose upload was begun elsewhere, and goes on from what the store has.
    ///
    /// That it is the same file by its name, size and time is the caller's to know
    /// ([`Difference::between`](crate::upload::Difference::between)); its bytes are compared here.
    /// `None` when the plan is none that S3 allows for the file's size.
    pub fn restore(&mut self, info: FileInfo, saved: Resumable) -> Option<FileId> {
        let id = self.next_id();
        self.restore_as(id, info, saved).map(|()| id)
    }

    /// The same under an id of the caller's, which no other file of this machine may have.
    pub fn restore_as(&mut self, id: FileId, info: FileInfo, saved: Resumable) -> Option<()> {
        let plan = Plan::from_strategy(Some(info.size?), saved.grant.strategy.clone())?;
        let size = plan.size()?;
        self.core.set_hosts(saved.grant.hosts);
        let mut file = FileUpload::new(info, plan, None, saved.checksum);
        file.phase = file.begin_from(Parked::Unlisted(saved.grant));
        file.shown.raise(saved.stored_bytes.min(size));
        // It is kept already, with more than is known of it here.
        file.journaled = file.to_journal();
        self.admit(id, file);
        Some(())
    }

    /// Halts a file's upload until [`resume`](Self::resume). Returns whether there was anything to halt:
    /// what is being completed or has ended is not.
    pub fn pause(&mut self, id: FileId, in_flight: InFlight) -> bool {
        self.touch(id, |core, file| {
            match file.phase {
                Phase::Creating(Intent::Upload) => {
                    file.phase = Phase::Creating(Intent::Pause);
                    return true;
                }
                Phase::Listing { reason: ListReason::TooLate(_), .. } => return false,
                Phase::Queued | Phase::Listing { .. } | Phase::Checking { .. } | Phase::Uploading { .. } => {}
                _ => return false,
            }
            let finish = in_flight == InFlight::Finish;
            file.park(finish);
            core.jobs.stop_where(|job| job.file() == Some(id) && !(finish && matches!(job, Job::Put(..))));
            file.phase = Phase::Paused(file.parked());
            file.retry_reason = None;
            true
        })
        .unwrap_or(false)
    }

    /// Goes on with a paused upload. Returns whether it was paused.
    pub fn resume(&mut self, id: FileId) -> bool {
        self.touch(id, |_, file| match file.phase {
            Phase::Creating(Intent::Pause) => {
                file.phase = Phase::Creating(Intent::Upload);
                true
            }
            Phase::Paused(_) => {
                file.phase = file.begin_from(file.parked());
                true
            }
            _ => false,
        })
        .unwrap_or(false)
    }

    /// Aborts a file's upload, and removes what was stored. Of one that has failed as well.
    /// Returns whether there was anything to cancel.
    pub fn cancel(&mut self, id: FileId) -> bool {
        self.touch(id, |core, file| {
            match file.phase {
                Phase::Creating(Intent::Abort)
                | Phase::Aborting { .. }
                | Phase::Listing { reason: ListReason::TooLate(_), .. }
                | Phase::Completed(_)
                | Phase::Cancelled => return false,
                Phase::Creating(_) => {
                    file.phase = Phase::Creating(Intent::Abort);
                    // The call goes on: what it will have created is aborted then.
                    if file.copy.is_some() {
                        return true;
                    }
                }
                _ => {
                    file.phase = match file.parked() {
                        Parked::Nothing => Phase::Cancelled,
                        Parked::Unlisted(grant) | Parked::Parts(grant) | Parked::Abort(grant) => {
                            Phase::Aborting { grant, abort: Retried::new() }
                        }
                    };
                }
            }
            core.stop_all_of(id, file);
            file.retry_reason = None;
            true
        })
        .unwrap_or(false)
    }

    /// Goes on with a failed upload, from what is stored. Returns whether it had failed and can go on: of a stream, what was let go
    /// cannot be read again.
    pub fn retry(&mut self, id: FileId) -> bool {
        self.touch(id, |core, file| {
            if !matches!(file.phase, Phase::Failed { .. }) {
                return false;
            }
            let parked = file.parked();
            let is_lost = if parked == Parked::Nothing {
                !file.parts.can_begin_anew()
            } else {
                !file.parts.can_go_on()
            };
            if is_lost {
                return false;
            }
            file.reconciliations = 0;
            if parked == Parked::Nothing {
                core.begin_anew(file);
            } else {
                file.phase = file.begin_from(parked);
            }
            true
        })
        .unwrap_or(false)
    }

    /// Forgets a file whose upload has ended. Returns whether it had.
    ///
    /// What is kept of a failed one for resuming it later stays: no [`Event::Journal`](super::Event::Journal)
    /// comes of this.
    pub fn remove(&mut self, id: FileId) -> bool {
        let Some(file) = self.files.get(&id).filter(|file| file.state().has_ended()) else { return false };
        self.core.index.update(id, &file.work, &Work::default());
        self.files.remove(&id);
        true
    }
}

impl Core {
    /// Begins from the first byte, as an upload that was never begun.
    pub(super) fn begin_anew(&self, file: &mut FileUpload) {
        file.admission = Retried::new();
        if file.copy.is_some() {
            file.parts = Parts::new(Plan::EMPTY, ChecksumKind::None);
        } else {
            // What a creation was asked for with stays, in case that an earlier request was answered.
            if file.creation.is_none() {
                file.parts.set_sized(file.info.size.is_some());
            }
            let size = file.info.size.filter(|_| !file.parts.is_unsized());
            if let Ok((plan, wanted_part_size)) = self.plan(size) {
                file.wanted_part_size = wanted_part_size;
                file.parts.replanned(plan, self.checksum);
            }
            if let Some(size) = file.info.size {
                file.parts.end_at(size);
            }
        }
        file.phase = Phase::Queued;
    }

    /// Returns how a file of this size is cut until the server has said how, and the part size to ask for. Of a stream, nobody
    /// knows how much of it there is for a line that was measured.
    pub(super) fn plan(&self, size: Option<u64>) -> Result<(Plan, Option<u64>), FileTooLarge> {
        let limits = &self.settings.plan;
        match size {
            Some(size) => {
                let wanted = self.wanted_part_size(size);
                Plan::new(size, wanted, limits).map(|plan| (plan, wanted))
            }
            None => {
                let wanted = self.settings.part_size;
                Ok((Plan::of_unknown_size(wanted, PartSizes::Any, limits), wanted))
            }
        }
    }
}
