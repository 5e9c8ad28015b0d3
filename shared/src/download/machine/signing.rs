//! Signing for many objects in few calls, and looking at them on the way.

use std::time::Duration;

use super::{Core, Downloader, Event, Job, advance};
use crate::download::action::{Action, Sink};
use crate::download::check::Check;
use crate::download::file::{Content, FileDownload, Phase, Url};
use crate::download::ranges::Ranges;
use crate::error::ErrorCode;
use crate::progress::Watermark;
use crate::time::Time;
use crate::transfer::{Failure, FileId, HostId, JobId, TransferError, Verdict, judge_call};
use crate::wire::{ObjectInfo, ObjectSigning, SignObjects, SignedObject, SignedObjects};

impl Downloader {
    /// The next call, if any file needs one and it is time.
    pub(super) fn poll_sign(&mut self, now: Time) -> Option<Action> {
        let calls = self.core.jobs.count(|job| job == Job::Sign);
        if calls >= self.core.settings.call_concurrency || !self.core.is_sign_due() {
            return None;
        }
        let most = self.core.signed_at_once;
        let room = self.core.settings.open_files.saturating_sub(self.core.index.open) as usize;
        let (resign, queued) = (self.core.index.resign.iter(), self.core.index.queued.iter());
        let ids: Vec<_> = resign.chain(queued.take(room)).copied().take(most).collect();
        let timeout = self.core.settings.call_timeout;
        let mut objects = Vec::with_capacity(ids.len());
        for &id in &ids {
            objects.extend(self.touch(id, |_, file| {
                file.sign.start(timeout, now);
                file.to_wire()
            }));
        }
        let job = self.core.jobs.begin(Job::Sign);
        self.core.signings.add(job, ids.into_iter().map(Some).collect());
        Some(Action::Call { job, call: SignObjects { objects } })
    }

    /// Gives each file its own result, as if it had asked alone.
    pub(super) fn signed_many(&mut self, job: JobId, outcome: Result<SignedObjects, Failure>, now: Time) {
        let files = self.core.signings.take(job);
        // One jitter for all, so that those which are refused alike ask again together.
        let jitter = self.core.rng.f64();
        let failure = match outcome {
            Ok(signed) if signed.objects.len() == files.len() => {
                for (id, result) in files.into_iter().zip(signed.objects) {
                    // It may have been cancelled meanwhile.
                    let Some(id) = id else { continue };
                    self.touch(id, |core, file| match result {
                        ObjectSigning::Signed(signed) => core.signed(id, file, *signed, jitter, now),
                        ObjectSigning::Refused(problem) => {
                            core.not_signed(id, file, judge_call(problem.into()), jitter, now);
                        }
                    });
                }
                return;
            }
            Ok(_) => Failure::Unusable("it is not one result for each object".to_owned()),
            Err(failure) => failure,
        };
        let is_cut = failure.is_too_large() && files.len() > 1;
        if is_cut {
            self.core.signed_at_once = files.len().div_ceil(2);
        }
        let is_away = failure == Failure::NoAnswer && !self.core.online;
        let verdict = judge_call(failure);
        for id in files.into_iter().flatten() {
            self.touch(id, |core, file| {
                if is_cut || is_away {
                    file.sign.reset();
                } else {
                    core.not_signed(id, file, verdict.clone(), jitter, now);
                }
            });
        }
    }

    /// Gives up a call that has had no answer for too long; whether it has.
    pub(super) fn give_up_signing(&mut self, job: JobId, now: Time) -> bool {
        let mut any = false;
        for id in self.core.signings.waiting(job) {
            any |= self.touch(id, |_, file| file.sign.give_up(now)) == Some(true);
        }
        any
    }
}

impl Core {
    /// Whether a call is worth it: a file under way waits for it, or connections run out of work, or it would be a large one.
    fn is_sign_due(&self) -> bool {
        if self.index.resign.first().is_some() {
            return true;
        }
        if self.index.queued.first().is_none() || self.index.open >= self.settings.open_files {
            return false;
        }
        // Two rounds for all connections are on their way or could be.
        let enough = 2 * self.flow.limit() as usize;
        let supply = self.count_gets() as usize + self.index.get.iter().take(enough).count();
        let batch = self.signed_at_once.min(self.settings.open_files as usize).div_ceil(2);
        let room = (self.settings.open_files - self.index.open) as usize;
        supply < enough || self.index.queued.len().min(room) >= batch
    }

    fn not_signed(&mut self, id: FileId, file: &mut FileDownload, verdict: Verdict, jitter: f64, now: Time) {
        match file.sign.fail(verdict, &self.settings.retry, jitter, now) {
            Ok(error) => file.retry_reason = Some(error.code),
            Err(error) => self.fail(id, file, error),
        }
    }

    fn signed(&mut self, id: FileId, file: &mut FileDownload, signed: SignedObject, jitter: f64, now: Time) {
        let SignedObject { url, expires_in, object } = signed;
        match (&file.phase, &file.content, object) {
            (Phase::Waiting, _, Some(object)) => self.looked_at(id, file, object),
            (Phase::Waiting, _, None) => {
                let failure = Failure::Unusable("it does not describe the object".to_owned());
                self.not_signed(id, file, judge_call(failure), jitter, now);
                return;
            }
            (Phase::Fetching, Some(content), Some(object)) if object.etag != content.object.etag => {
                let error = TransferError::new(ErrorCode::ObjectChanged, "it has another ETag");
                self.changed(id, file, error);
                return;
            }
            _ => {}
        }
        file.sign.reset();
        file.retry_reason = None;
        let life = Duration::from_secs(expires_in);
        let margin = self.settings.expiry_margin.min(life / 2);
        let host = HostId::of(&url);
        if !self.hosts.contains(&host) {
            self.hosts.push(host);
            self.flow.set_ceiling(self.settings.ceiling(self.hosts.len()));
        }
        file.url = Some(Url { url, host, usable_until: now + (life - margin) });
        file.urls += 1;
        advance(self, id, file);
    }

    /// The object is known: its bytes can come, or go on from what is there.
    fn looked_at(&mut self, id: FileId, file: &mut FileDownload, object: ObjectInfo) {
        let check = Check::of(&object, file.wanted.sink, &self.settings);
        let mut ranges = Ranges::new(object.size, check, file.wanted.sink, self.settings.ceiling(1));
        let kept = file.kept.take();
        let had_any = kept.is_some();
        let same = kept.filter(|kept| {
            file.wanted.sink == Sink::Random
                && kept.object == file.wanted.object
                && kept.etag == object.etag
                && kept.size == object.size
        });
        if let Some(kept) = same {
            ranges.adopt(&kept.ranges);
        } else if had_any {
            file.shown = Watermark::default();
            self.events.push_back(Event::Restarted(id));
        }
        let keeps = ranges.done_bytes() > 0;
        self.opens.push_back(Action::Open { file: id, size: object.size, keeps });
        file.content = Some(Box::new(Content { object, ranges }));
        file.phase = Phase::Fetching;
    }
}
