//! What came of work, of time and of the network.

use super::{Core, Downloader, Job, advance};
use crate::download::action::{Head, Piece};
use crate::download::failure::{GetVerdict, changed, judge_get};
use crate::download::file::{FileDownload, Phase};
use crate::download::ranges::{Failed, Got};
use crate::error::ErrorCode;
use crate::time::Time;
use crate::transfer::{Failure, FileId, JobId, TransferError, etag_hidden, stalled};
use crate::wire::SignedObjects;

impl Downloader {
    /// The outcome of an [`Action::Call`](crate::download::Action::Call).
    pub fn handle_call_done(&mut self, job: JobId, outcome: Result<SignedObjects, Failure>, now: Time) {
        if self.core.jobs.finish(job) == Some(Job::Sign) {
            self.signed_many(job, outcome, now);
        }
    }

    /// How the answer to an [`Action::Get`](crate::download::Action::Get) begins, if it is a 200 or a 206. Returns whether its
    /// body is to be read. If it is not, the request is over, and nothing more is reported of it.
    #[must_use]
    pub fn handle_get_head(&mut self, job: JobId, head: &Head, now: Time) -> bool {
        let Some(Job::Get(id, _)) = self.core.jobs.get(job) else { return false };
        self.touch(id, |core, file| core.head(id, file, job, head, now)).unwrap_or(false)
    }

    /// The next bytes of the body. Returns a piece of them for the sink, and leaves in `bytes` what comes after it: it is called
    /// until it returns `None`. Bytes that are left then have no room in the window, and are offered again after the next
    /// [`handle_taken`](Self::handle_taken).
    #[must_use]
    pub fn handle_get_data<'a>(&mut self, job: JobId, bytes: &mut &'a [u8], now: Time) -> Option<Piece<'a>> {
        let Some(Job::Get(id, _)) = self.core.jobs.get(job) else {
            *bytes = &[];
            return None;
        };
        self.touch(id, |core, file| {
            let Got { piece, moved, loser } = file.ranges_mut()?.data(job, bytes, now);
            core.count(file, moved, now);
            if let Some(loser) = loser {
                core.jobs.stop(loser);
            }
            if piece.is_some() {
                file.retry_reason = None;
            }
            piece
        })?
    }

    /// The body of an [`Action::Get`](crate::download::Action::Get) has ended, or how the request failed.
    pub fn handle_get_done(&mut self, job: JobId, outcome: Result<(), Failure>, now: Time) {
        let Some(Job::Get(id, _)) = self.core.jobs.finish(job) else { return };
        self.touch(id, |core, file| {
            let Some(ranges) = file.ranges_mut() else { return };
            let failure = match outcome {
                Ok(()) if ranges.ended(job, now) => {
                    core.flow.acknowledged();
                    file.retry_reason = None;
                    advance(core, id, file);
                    return;
                }
                Ok(()) => Failure::NoAnswer,
                Err(failure) => failure,
            };
            if failure == Failure::NoAnswer && !core.online {
                ranges.interrupted(job);
                advance(core, id, file);
                return;
            }
            if failure.asks_for_less() {
                core.flow.slow_down(now);
            }
            core.judge_get(id, file, job, judge_get(failure), now);
        });
    }

    /// With an ordered sink: the consumer has taken everything before this place, from the object's beginning.
    pub fn handle_taken(&mut self, id: FileId, up_to: u64, now: Time) {
        self.touch(id, |core, file| {
            if let Some(ranges) = file.ranges_mut() {
                ranges.taken(up_to, now);
                advance(core, id, file);
            }
        });
    }

    /// What was given out could not be written: the file's download ends. A retry begins anew.
    pub fn handle_write_failed(&mut self, id: FileId, detail: &str) {
        self.touch(id, |core, file| {
            if !file.state().has_ended() {
                core.fail(id, file, TransferError::new(ErrorCode::FileUnwritable, detail));
            }
        });
    }

    /// The outcome of an [`Action::Save`](crate::download::Action::Save), or why the file could not be closed.
    pub fn handle_save_done(&mut self, job: JobId, outcome: Result<(), String>) {
        let Some(Job::Save(id)) = self.core.jobs.finish(job) else { return };
        self.touch(id, |core, file| match (outcome, &file.phase) {
            (Ok(()), Phase::Saving { result, .. }) => file.phase = Phase::Completed(*result),
            (Ok(()), _) => {}
            (Err(detail), _) => core.fail(id, file, TransferError::new(ErrorCode::FileUnwritable, detail)),
        });
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) named has come. Harmless at any other.
    ///
    /// One that comes much too late means that machine and network were asleep.
    pub fn handle_timeout(&mut self, now: Time) {
        let due = self.core.index.deadlines.next().map(|due| due.max(self.core.polled_at));
        if due.is_some_and(|due| now.since(due) >= self.core.settings.sleep_threshold) {
            self.handle_wake(now);
            return;
        }
        for (job, kind) in self.core.jobs.all() {
            if kind == Job::Sign && self.give_up_signing(job, now) {
                self.core.jobs.cut_off(job);
                self.handle_call_done(job, Err(Failure::NoAnswer), now);
            }
        }
        for id in self.core.index.deadlines.due(now) {
            self.touch(id, |core, file| {
                file.sign.wake(now);
                let timeout = core.settings.stall_timeout;
                let Some(ranges) = file.ranges_mut() else { return };
                ranges.wake(Some(now));
                for job in ranges.stalled(timeout, now) {
                    core.jobs.stop(job);
                    let verdict = GetVerdict::Unanswered { error: stalled(timeout), is_late: true };
                    core.judge_get(id, file, job, verdict, now);
                    if !matches!(file.phase, Phase::Fetching) {
                        return;
                    }
                }
                let stragglers = core.settings.stragglers();
                if let Some(ranges) = file.ranges_mut() {
                    ranges.mark_stragglers(stragglers, now);
                }
            });
        }
    }

    /// The network went or came back. While it is away nothing is begun and no failure counts; when it is back, whatever waits
    /// goes at once.
    pub fn handle_connectivity(&mut self, online: bool) {
        let back = online && !self.core.online;
        self.core.online = online;
        if back {
            self.hurry(|_| {});
        }
    }

    /// The computer slept, or somebody looks at the page again: whatever waits goes at once. What was on its way may be dead,
    /// and has a few seconds to move.
    pub fn handle_wake(&mut self, now: Time) {
        let (timeout, grace) = (self.core.settings.stall_timeout, now + self.core.settings.wake_grace);
        self.hurry(|file| {
            file.sign.rearm(grace);
            if let Some(ranges) = file.ranges_mut() {
                ranges.rearm(timeout, grace);
            }
        });
    }

    /// Ends all waits, and does something more to each file.
    fn hurry(&mut self, also: impl Fn(&mut FileDownload)) {
        let ids: Vec<_> = self.files.keys().copied().collect();
        for id in ids {
            self.touch(id, |_, file| {
                also(file);
                file.sign.hurry();
                if let Some(ranges) = file.ranges_mut() {
                    ranges.wake(None);
                }
                file.speed.reset();
            });
        }
        self.core.speed.reset();
        self.core.flow.reset();
    }
}

impl Core {
    fn head(&mut self, id: FileId, file: &mut FileDownload, job: JobId, head: &Head, now: Time) -> bool {
        let Some(content) = &mut file.content else { return false };
        let Some(etag) = head.etag.as_ref().filter(|etag| !etag.is_empty()) else {
            self.jobs.finish(job);
            self.fail(id, file, etag_hidden());
            return false;
        };
        let verdict = if *etag == content.object.etag {
            content.ranges.head(job, head)
        } else {
            Err(changed("its ETag is another one than when it was looked at"))
        };
        match verdict {
            Ok(false) => true,
            Ok(true) => {
                content.ranges.become_whole(job);
                self.jobs.stop_others(job, |other| matches!(other, Job::Get(of, _) if of == id));
                true
            }
            Err(verdict) => {
                self.jobs.finish(job);
                self.judge_get(id, file, job, verdict, now);
                false
            }
        }
    }

    fn judge_get(&mut self, id: FileId, file: &mut FileDownload, job: JobId, verdict: GetVerdict, now: Time) {
        let jitter = self.rng.f64();
        let url = file.url.as_ref().map(|_| file.urls);
        let policy = self.settings.retry;
        let Some(ranges) = file.ranges_mut() else { return };
        match ranges.failed(job, verdict, url, &policy, jitter, now) {
            Failed::GoesOn(error) => {
                if let Some(error) = error {
                    file.retry_reason = Some(error.code);
                }
                advance(self, id, file);
            }
            Failed::NeedsUrl(error) => {
                file.url = None;
                file.retry_reason = Some(error.code);
            }
            Failed::Changed(error) => self.changed(id, file, error),
            Failed::Ends(error) => self.fail(id, file, error),
        }
    }
}
