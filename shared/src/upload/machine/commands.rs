//! What users ask for.

use super::{Core, Job, Uploader};
use crate::checksum::ChecksumKind;
use crate::plan::{FileTooLarge, Plan};
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
        let wanted_part_size = self.core.wanted_part_size(info.size);
        let plan = Plan::new(info.size, wanted_part_size, &self.core.settings.plan)?;
        self.admit(id, FileUpload::new(info, plan, wanted_part_size, self.core.checksum));
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
        let plan = Plan::from_strategy(info.size, saved.strategy)?;
        self.core.set_hosts(saved.grant.hosts);
        let mut file = FileUpload::new(info, plan, None, saved.checksum);
        file.phase = file.begin_from(Parked::Unlisted(saved.grant));
        file.shown.raise(saved.stored_bytes.min(plan.size()));
        // It is kept already, with more than is known of it here.
        file.journaled = Some(file.parts.stored_count());
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

    /// Goes on with a failed upload, from what is stored. Returns whether it had failed.
    pub fn retry(&mut self, id: FileId) -> bool {
        self.touch(id, |core, file| {
            if !matches!(file.phase, Phase::Failed { .. }) {
                return false;
            }
            let parked = file.parked();
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
        file.wanted_part_size = self.wanted_part_size(file.info.size);
        let plan = Plan::new(file.info.size, file.wanted_part_size, &self.settings.plan);
        let checksum = if file.copy.is_some() { ChecksumKind::None } else { self.checksum };
        file.parts = Parts::new(plan.unwrap_or(*file.parts.plan()), checksum);
        file.phase = Phase::Queued;
    }
}
