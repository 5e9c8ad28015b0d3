//! What is on its way, on a virtual clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use partway_shared::time::Time;

/// Things that will happen, by when; what was put in first comes first.
pub(crate) struct Queue<H> {
    pending: BinaryHeap<Reverse<(Time, u64)>>,
    happenings: BTreeMap<u64, H>,
    next: u64,
}

impl<H> Queue<H> {
    pub(crate) const fn new() -> Self {
        Self { pending: BinaryHeap::new(), happenings: BTreeMap::new(), next: 0 }
    }

    pub(crate) fn add(&mut self, at: Time, happening: H) {
        self.pending.push(Reverse((at, self.next)));
        self.happenings.insert(self.next, happening);
        self.next += 1;
    }

    pub(crate) fn next_at(&self) -> Option<Time> {
        self.pending.peek().map(|Reverse((at, _))| *at)
    }

    /// The next moment, with what happens then unless it was taken out.
    pub(crate) fn pop(&mut self) -> Option<(Time, Option<H>)> {
        let Reverse((at, number)) = self.pending.pop()?;
        Some((at, self.happenings.remove(&number)))
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&H) -> bool) {
        self.happenings.retain(|_, happening| keep(happening));
    }

    /// Takes out everything, in the order in which it was put in.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = H> + use<H> {
        self.pending.clear();
        std::mem::take(&mut self.happenings).into_values()
    }
}
