//! When the page is told how far uploads are.

use std::collections::BTreeSet;
use std::time::Duration;

use partway_shared::time::Time;
use partway_shared::upload::{FileId, State};

use super::{Event, Session};

/// Between two reports. More often is not seen, and each costs the page a task.
const INTERVAL: Duration = Duration::from_millis(100);
/// After this a speed is told again even if nothing moves, so that it is seen to sink.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// What is to be reported, and when.
#[derive(Default)]
pub(crate) struct Reports {
    /// What has moved since the last report.
    moved: BTreeSet<FileId>,
    reported_at: Time,
    due_at: Option<Time>,
}

impl Reports {
    /// Returns when the next report is due.
    pub(crate) const fn due_at(&self) -> Option<Time> {
        self.due_at
    }

    /// Notes that bytes of a file have left.
    pub(crate) fn note(&mut self, id: FileId) {
        self.moved.insert(id);
        let at = self.reported_at + INTERVAL;
        self.due_at = Some(self.due_at.map_or(at, |due| due.min(at)));
    }
}

impl Session {
    /// Reports what has moved; where nothing has for a while, what should have.
    pub(super) fn report_progress(&mut self, now: Time) {
        self.reports.due_at = None;
        let mut moved = std::mem::take(&mut self.reports.moved);
        if moved.is_empty() {
            moved.extend(self.machine.files().filter(|&id| self.is_under_way(id, now)));
        }
        moved.retain(|&id| self.machine.info(id).is_some());
        if !moved.is_empty() {
            self.reports.reported_at = now;
            self.reports.due_at = Some(now + HEARTBEAT);
            self.events.push_back(Event::Progress(moved));
        }
    }

    fn is_under_way(&self, id: FileId, now: Time) -> bool {
        let state = self.machine.status(id, now).map(|status| status.state);
        matches!(state, Some(State::Uploading | State::Finishing | State::Cancelling))
    }
}
