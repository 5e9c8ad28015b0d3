//! Work under way, and what of it is to be given up.

use std::collections::VecDeque;

use litemap::LiteMap;

use super::id::JobId;

/// What was begun and has no outcome yet.
#[derive(Debug)]
pub(crate) struct Jobs<J> {
    running: LiteMap<JobId, J>,
    stops: VecDeque<JobId>,
    next: u64,
}

impl<J: Copy> Jobs<J> {
    pub(crate) const fn new() -> Self {
        Self { running: LiteMap::new(), stops: VecDeque::new(), next: 1 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The name of the job that is begun next.
    pub(crate) const fn next_id(&self) -> JobId {
        JobId(self.next)
    }

    pub(crate) fn begin(&mut self, job: J) -> JobId {
        let id = self.next_id();
        self.next += 1;
        self.running.insert(id, job);
        id
    }

    pub(crate) fn get(&self, id: JobId) -> Option<J> {
        self.running.get(&id).copied()
    }

    /// Takes a job that has an outcome; `None` if nobody waits for that.
    pub(crate) fn finish(&mut self, id: JobId) -> Option<J> {
        self.running.remove(&id)
    }

    /// Has a job given up.
    pub(crate) fn stop(&mut self, id: JobId) {
        if self.running.remove(&id).is_some() {
            self.stops.push_back(id);
        }
    }

    /// Has the driver let go of a job whose outcome comes from elsewhere.
    pub(crate) fn cut_off(&mut self, id: JobId) {
        self.stops.push_back(id);
    }

    pub(crate) fn stop_where(&mut self, which: impl Fn(J) -> bool) {
        let those = self.running.iter().filter(|&(_, &job)| which(job));
        let those: Vec<_> = those.map(|(&id, _)| id).collect();
        for id in those {
            self.stop(id);
        }
    }

    /// Has all of these given up but one.
    pub(crate) fn stop_others(&mut self, one: JobId, which: impl Fn(J) -> bool) {
        let those = self.running.iter().filter(|&(&id, &job)| id != one && which(job));
        let those: Vec<_> = those.map(|(&id, _)| id).collect();
        for id in those {
            self.stop(id);
        }
    }

    /// The next job that the driver has to give up.
    pub(crate) fn next_stop(&mut self) -> Option<JobId> {
        self.stops.pop_front()
    }

    pub(crate) fn count(&self, kind: impl Fn(J) -> bool) -> u32 {
        let count = self.running.values().filter(|&&job| kind(job)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    pub(crate) fn all(&self) -> Vec<(JobId, J)> {
        self.running.iter().map(|(&id, &job)| (id, job)).collect()
    }
}
