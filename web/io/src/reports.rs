//! When the page is told how far transfers are.

use std::collections::BTreeSet;
use std::time::Duration;

use partway_shared::time::Time;
use partway_shared::transfer::FileId;

/// Between two reports. More often is not seen, and each costs the page a task.
const INTERVAL: Duration = Duration::from_millis(100);
/// After this a speed is told again even if nothing moves, so that it is seen to sink.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// What is to be reported, and when.
#[derive(Debug, Default)]
pub struct Reports {
    /// What has moved since the last report.
    moved: BTreeSet<FileId>,
    reported_at: Time,
    due_at: Option<Time>,
}

impl Reports {
    /// Returns when the next report is due.
    #[must_use]
    pub const fn due_at(&self) -> Option<Time> {
        self.due_at
    }

    /// Notes that bytes of a file have moved.
    pub fn note(&mut self, id: FileId) {
        self.moved.insert(id);
        let at = self.reported_at + INTERVAL;
        self.due_at = Some(self.due_at.map_or(at, |due| due.min(at)));
    }

    /// Returns the files to report now: what has moved; where nothing has for a while, what should have. `should_move` has all
    /// files, and whether each is under way.
    pub fn take(
        &mut self,
        should_move: impl Iterator<Item = (FileId, bool)>,
        now: Time,
    ) -> Option<BTreeSet<FileId>> {
        self.due_at = None;
        let moved = std::mem::take(&mut self.moved);
        let has_moved = !moved.is_empty();
        // One after the other: to collect them would bring a sort along.
        let mut reported = BTreeSet::new();
        for (id, is_under_way) in should_move {
            let is_reported = if has_moved { moved.contains(&id) } else { is_under_way };
            if is_reported {
                reported.insert(id);
            }
        }
        if reported.is_empty() {
            return None;
        }
        self.reported_at = now;
        self.due_at = Some(now + HEARTBEAT);
        Some(reported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_a_tenth_of_a_second_apart_and_sink_when_nothing_moves() {
        let mut reports = Reports::default();
        let at = Time::from_millis;
        let (one, two) = (FileId(1), FileId(2));
        let all = || [(one, true), (two, false)].into_iter();
        assert_eq!(reports.due_at(), None);
        reports.note(two);
        assert_eq!(reports.due_at(), Some(at(100)));
        assert_eq!(reports.take(all(), at(250)), Some(BTreeSet::from([two])));
        assert_eq!(reports.due_at(), Some(at(1_250)));
        reports.note(one);
        assert_eq!(reports.due_at(), Some(at(350)));
        assert_eq!(reports.take(all(), at(350)), Some(BTreeSet::from([one])));
        assert_eq!(reports.take(all(), at(1_350)), Some(BTreeSet::from([one])), "it should move");
        assert_eq!(reports.take(std::iter::empty(), at(2_350)), None);
        assert_eq!(reports.due_at(), None);
    }
}
