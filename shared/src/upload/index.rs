//! Which files have what to do, so that ten thousand of them need no search.

use std::collections::BTreeSet;
use std::ops::Bound;

use litemap::LiteMap;

use crate::time::Time;

use super::action::FileId;
use super::file::Work;

/// The files by what they could do next.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) queued: BTreeSet<FileId>,
    pub(super) batchable: BTreeSet<FileId>,
    pub(super) hash: BTreeSet<FileId>,
    pub(super) call: BTreeSet<FileId>,
    /// Those whose completion goes along with others'.
    pub(super) complete: BTreeSet<FileId>,
    pub(super) send: BTreeSet<FileId>,
    deadlines: LiteMap<(Time, FileId), ()>,
    /// Parts hashed and not yet on their way, over all open files.
    pub(super) ahead: u32,
    /// Files created and not ended.
    pub(super) open: u32,
}

impl Index {
    /// Takes the place of what was known of a file.
    pub(super) fn update(&mut self, id: FileId, old: &Work, new: &Work) {
        if old == new {
            return;
        }
        set(&mut self.queued, id, new.queued);
        set(&mut self.batchable, id, new.batchable);
        set(&mut self.hash, id, new.hash);
        set(&mut self.call, id, new.call);
        set(&mut self.complete, id, new.complete);
        set(&mut self.send, id, new.send);
        if old.deadline != new.deadline {
            if let Some(deadline) = old.deadline {
                self.deadlines.remove(&(deadline, id));
            }
            if let Some(deadline) = new.deadline {
                self.deadlines.insert((deadline, id), ());
            }
        }
        self.ahead = self.ahead + new.ahead - old.ahead;
        self.open = self.open + u32::from(new.open) - u32::from(old.open);
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(&(deadline, _), ())| deadline)
    }

    /// The files whose deadline has come.
    pub(super) fn due(&self, now: Time) -> Vec<FileId> {
        self.deadlines.keys().take_while(|&&(deadline, _)| deadline <= now).map(|&(_, id)| id).collect()
    }
}

fn set(members: &mut BTreeSet<FileId>, id: FileId, member: bool) {
    if member {
        members.insert(id);
    } else {
        members.remove(&id);
    }
}

/// Takes turns: the file that was served last comes last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn(Option<FileId>);

impl Turn {
    /// The members in the order of their turns.
    pub(super) fn order(self, members: &BTreeSet<FileId>) -> impl Iterator<Item = FileId> + '_ {
        // Ids begin at 1.
        let last = self.0.unwrap_or(FileId(0));
        let after = members.range((Bound::Excluded(last), Bound::Unbounded));
        after.chain(members.range(..=last)).copied()
    }

    pub(super) const fn served(&mut self, id: FileId) {
        self.0 = Some(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_has_a_turn() {
        let mut members = BTreeSet::new();
        for id in [1, 5, 9] {
            members.insert(FileId(id));
        }
        let mut turn = Turn::default();
        let mut served = Vec::new();
        for _ in 0..7 {
            let next = turn.order(&members).next().unwrap();
            turn.served(next);
            served.push(next.0);
        }
        assert_eq!(served, [1, 5, 9, 1, 5, 9, 1]);
        assert_eq!(turn.order(&members).count(), 3);
        assert_eq!(turn.order(&BTreeSet::new()).count(), 0);
    }
}
