//! Which file is next, so that ten thousand of them need no search.

use std::collections::BTreeSet;
use std::ops::Bound;

use litemap::LiteMap;

use super::id::FileId;
use crate::time::Time;

/// When something is due, by file.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(LiteMap<(Time, FileId), ()>);

impl Deadlines {
    /// Takes the place of what was known of a file.
    pub(crate) fn update(&mut self, id: FileId, old: Option<Time>, new: Option<Time>) {
        if old == new {
            return;
        }
        if let Some(deadline) = old {
            self.0.remove(&(deadline, id));
        }
        if let Some(deadline) = new {
            self.0.insert((deadline, id), ());
        }
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.0.first().map(|(&(deadline, _), ())| deadline)
    }

    /// The files whose deadline has come.
    pub(crate) fn due(&self, now: Time) -> Vec<FileId> {
        self.0.keys().take_while(|&&(deadline, _)| deadline <= now).map(|&(_, id)| id).collect()
    }
}

pub(crate) fn set(members: &mut BTreeSet<FileId>, id: FileId, member: bool) {
    if member {
        members.insert(id);
    } else {
        members.remove(&id);
    }
}

/// Takes turns: the file that was served last comes last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turn(Option<FileId>);

impl Turn {
    /// The members in the order of their turns.
    pub(crate) fn order(self, members: &BTreeSet<FileId>) -> impl Iterator<Item = FileId> + '_ {
        // Ids begin at 1.
        let last = self.0.unwrap_or(FileId(0));
        let after = members.range((Bound::Excluded(last), Bound::Unbounded));
        after.chain(members.range(..=last)).copied()
    }

    pub(crate) const fn served(&mut self, id: FileId) {
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
