//! What to do next.

use super::{Downloader, Event, Job};
use crate::download::action::Action;
use crate::download::file::Phase;
use crate::part::ByteRange;
use crate::time::{Time, earliest};
use crate::transfer::Cap;

impl Downloader {
    /// The next piece of work, if there is one.
    pub fn poll_action(&mut self, now: Time) -> Option<Action> {
        self.core.polled_at = now;
        if let Some(job) = self.core.jobs.next_stop() {
            return Some(Action::Stop { job });
        }
        if let Some(open) = self.core.opens.pop_front() {
            return Some(open);
        }
        if let Some(save) = self.poll_save() {
            return Some(save);
        }
        if !self.core.online {
            return None;
        }
        // GETs first: one that finds its URL expired makes a call due.
        self.poll_get(now).or_else(|| self.poll_sign(now))
    }

    /// The next thing to tell the user.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.core.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, unless an outcome comes before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let cap =
            self.core.cap.as_ref().filter(|_| self.core.online && self.core.index.get.first().is_some());
        let cap = cap.filter(|_| self.core.count_gets() < self.core.flow.limit());
        // Once it is free, it is something else that is waited for.
        let cap = cap.map(Cap::free_at).filter(|&at| at > self.core.polled_at);
        earliest(self.core.index.deadlines.next(), cap)
    }

    fn poll_save(&mut self) -> Option<Action> {
        let id = *self.core.index.save.first()?;
        self.touch(id, |core, file| {
            if let Phase::Saving { is_asked, .. } = &mut file.phase {
                *is_asked = true;
            }
            Action::Save { job: core.jobs.begin(Job::Save(id)), file: id }
        })
    }

    fn poll_get(&mut self, now: Time) -> Option<Action> {
        let gets = self.core.count_gets();
        if gets >= self.core.flow.limit() || self.core.cap.as_ref().is_some_and(|cap| !cap.allows(now)) {
            return None;
        }
        let no_large = gets >= self.core.flow.large_limit();
        // A file whose URL has expired, or whose host is busy, gives nothing.
        let order: Vec<_> = self.core.get_turn.order(&self.core.index.get).collect();
        for id in order {
            let action = self.touch(id, |core, file| {
                if no_large && !file.is_small(&core.settings) {
                    return None;
                }
                if file.url.as_ref().is_some_and(|url| url.usable_until < now) {
                    file.url = None;
                }
                let (url, host) = file.url.as_ref().map(|url| (url.url.clone(), url.host))?;
                let to_it = core.jobs.count(|job| matches!(job, Job::Get(_, at) if at == host));
                if to_it >= core.settings.connections_per_host {
                    return None;
                }
                let wanted = file.wanted_range_size(&core.settings, core.flow.part_speed());
                let (job, urls) = (core.jobs.next_id(), file.urls);
                let ranges = file.ranges_mut()?;
                let start = ranges.next_start()?;
                let range = ranges.start(start, job, urls, wanted, now)?;
                core.jobs.begin(Job::Get(id, host));
                if let Some(cap) = &mut core.cap {
                    cap.take(range.map_or(wanted, ByteRange::len), now);
                }
                Some(Action::Get { job, file: id, range, url })
            });
            if let Some(Some(action)) = action {
                self.core.get_turn.served(id);
                return Some(action);
            }
        }
        None
    }
}
